"""Peak memory against a second reading of M1 to M4, with numbers instead of expressions: nodes in order, buffers freed after
their last use, views in their source's buffer, elementwise results in an operand that dies there."""

import contract
import onnx
import pytest

VIEWS = {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Transpose", "Expand", "Split", "Slice", "Dropout"}
IN_PLACE = {"Add", "Sub", "Mul", "Div", "Pow", "Tanh", "Sqrt", "Erf", "Exp", "Neg", "Where", "Sigmoid", "Relu", "And", "Or", "Not",
            "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Max", "Min", "IsNaN", "Cos", "Sin", "Reciprocal", "Gelu"}
DATALESS = {"Shape", "Size"}
SIZE = {onnx.TensorProto.FLOAT: 4, onnx.TensorProto.FLOAT16: 2, onnx.TensorProto.INT64: 8, onnx.TensorProto.INT32: 4,
        onnx.TensorProto.BOOL: 1, onnx.TensorProto.UINT8: 1, onnx.TensorProto.INT8: 1, onnx.TensorProto.DOUBLE: 8}


def peak(graph, shapes, binding):
    """Bytes at the peak, without weights."""
    weights = {i.name for i in graph.initializer}
    folded, filled = set(weights), set()
    for node in graph.node:
        if node.op_type in DATALESS or all(i in folded for i in node.input if i):
            folded.update(node.output)
            if node.op_type == "ConstantOfShape":
                filled.update(node.output)

    def size(name):
        value = shapes[name]
        if name in folded and (name in filled or all(isinstance(dim, int) for dim in value["shape"])):
            return 0  # its contents are known
        product = 1
        for dim in value["shape"]:
            product *= contract.evaluate(dim, binding)
        return product * SIZE[value["elem"]]

    root = {}
    for node in graph.node:
        same_type = node.op_type == "Cast" and shapes[node.output[0]]["elem"] == shapes[node.input[0]]["elem"]
        if node.op_type in VIEWS or same_type:
            for output in node.output:
                root[output] = root.get(node.input[0], node.input[0])

    def find(name):
        while name in root:
            name = root[name]
        return name

    last = {}
    for position, node in enumerate(graph.node):
        if all(output in folded for output in node.output):
            continue  # C7
        for name in node.input:
            if name:
                last[find(name)] = position
    resident = {find(v.name) for v in [*graph.input, *graph.output]} - weights
    live = sum(size(name) for name in resident)
    held = {}  # buffer → (bytes, last use)
    most = live
    for position, node in enumerate(graph.node):
        for output in node.output:
            if not output or find(output) != output or output in resident:
                continue
            if output in folded and output not in last:
                continue
            end = last.get(output, position)
            bytes_ = size(output)
            reuse = None
            if node.op_type in IN_PLACE:
                reuse = next((b for b in map(find, filter(None, node.input)) if b in held and held[b] == (bytes_, position)), None)
            if reuse:
                root[output] = reuse
                held[reuse] = (bytes_, end)
            else:
                held[output] = (bytes_, end)
                live += bytes_
        most = max(most, live)
        for buffer in [b for b, (_, end) in held.items() if end == position]:
            live -= held.pop(buffer)[0]
    return most


@pytest.mark.parametrize("name", ["gpt2-xl", "plain_block_d1600_fp16_ts17", "plain_mlp_d4096_ts17", "plain_mha_d4096_h16_ts17"])
@pytest.mark.parametrize("batch, sequence", [(1, 32), (2, 7), (3, 1024)])
def test_peak(name, batch, sequence, tmp_path):
    path = contract.MODELS / f"{name}.onnx"
    graph = onnx.load(path, load_external_data=False).graph
    shapes = contract.shapes([path], tmp_path)[path]["values"]
    report = contract.analyze(path, "--view=memory")
    names = {s["graph_name"]: s["name"] for s in report["symbols"]}
    values = {"batch": batch, "sequence": sequence}
    found = contract.evaluate(report["memory"]["activation_bytes"], {names[k]: v for k, v in values.items()})
    assert found == peak(graph, shapes, values)
