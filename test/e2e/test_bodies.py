"""C5's law: an operator that has a body in the standard costs, in FLOPs, exactly what the body costs.

The body is put in the operator's place as a model-local function, which costs what its nodes cost (C17).
"""

import contract
import onnx
import pytest
from onnx import TensorProto, helper

F, F16, I64, B = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64, TensorProto.BOOL

# (operator, opset, inputs as (type, shape) or None, number of outputs, attributes)
CASES = {
    "layer_norm": ("LayerNormalization", 17, [(F, ["B", "N", 64]), (F, [64]), (F, [64])], 1, {}),
    "layer_norm_no_bias": ("LayerNormalization", 17, [(F, ["B", "N", 64]), (F, [64])], 1, {}),
    "layer_norm_two_axes": ("LayerNormalization", 17, [(F, ["B", "N", 8, 16]), (F, [8, 16])], 1, {"axis": 2}),
    "layer_norm_fp16": ("LayerNormalization", 17, [(F16, ["B", "N", 64]), (F16, [64]), (F16, [64])], 1, {}),
    "rms_norm": ("RMSNormalization", 23, [(F, ["B", "N", 64]), (F, [64])], 1, {}),
    "gelu": ("Gelu", 20, [(F, ["B", "N", 64])], 1, {}),
    "gelu_tanh": ("Gelu", 20, [(F, ["B", "N", 64])], 1, {"approximate": "tanh"}),
    "swish": ("Swish", 24, [(F, ["B", "N"])], 1, {}),
    "hard_swish": ("HardSwish", 22, [(F, ["B", "N"])], 1, {}),
    "mish": ("Mish", 22, [(F, ["B", "N"])], 1, {}),
    "celu": ("Celu", 12, [(F, ["B", "N"])], 1, {}),
    "group_norm": ("GroupNormalization", 21, [(F, ["B", 32, "N"]), (F, [32]), (F, [32])], 1, {"num_groups": 8}),
    "mean_variance": ("MeanVarianceNormalization", 13, [(F, ["B", 3, "N", "N"])], 1, {}),
    "rotary": ("RotaryEmbedding", 23, [(F, ["B", 8, "N", 64]), (F, ["B", "N", 32]), (F, ["B", "N", 32])], 1, {}),
    "rotary_part": ("RotaryEmbedding", 23, [(F, ["B", 8, "N", 64]), (F, ["B", "N", 16]), (F, ["B", "N", 16])], 1,
                    {"rotary_embedding_dim": 32}),
    "rotary_interleaved": ("RotaryEmbedding", 23, [(F, ["B", 8, "N", 64]), (F, ["B", "N", 32]), (F, ["B", "N", 32])], 1,
                           {"interleaved": 1}),
    "attention": ("Attention", 23, [(F, ["B", 8, "N", 64])] * 3, 1, {}),
    "attention_causal": ("Attention", 23, [(F, ["B", 8, "N", 64])] * 3, 1, {"is_causal": 1}),
    "attention_mask": ("Attention", 23, [(F, ["B", 8, "N", 64])] * 3 + [(F, ["N", "N"])], 1, {}),
    "attention_bool_mask": ("Attention", 23, [(F, ["B", 8, "N", 64])] * 3 + [(B, ["N", "N"])], 1, {}),
    "attention_groups": ("Attention", 23, [(F, ["B", 8, "N", 64]), (F, ["B", 2, "N", 64]), (F, ["B", 2, "N", 64])], 1, {}),
    "attention_softcap": ("Attention", 23, [(F, ["B", 8, "N", 64])] * 3, 1, {"softcap": 30.0}),
    "attention_3d": ("Attention", 23, [(F, ["B", "N", 512])] * 3, 1, {"q_num_heads": 8, "kv_num_heads": 8}),
    "attention_cache": ("Attention", 23, [(F, ["B", 8, "S", 64])] * 3 + [None] + [(F, ["B", 8, "P", 64])] * 2, 3, {}),
    "softmax_cross_entropy": ("SoftmaxCrossEntropyLoss", 13, [(F, ["B", 10]), (I64, ["B"])], 1, {}),
    "clip": ("Clip", 13, [(F, ["B", "N"]), (F, []), (F, [])], 1, {}),
}
# Named by C2 to C4, whatever their body is.
BY_RULE = {"softmax_cross_entropy", "clip"}


def graph_of(node, inputs, outputs, opset, function=None):
    given = [helper.make_tensor_value_info(f"x{i}", *value) for i, value in enumerate(inputs) if value]
    results = [helper.make_value_info(name, onnx.TypeProto()) for name in outputs]
    for result in results:
        result.type.tensor_type.elem_type = inputs[0][0]
    graph = helper.make_graph([node], "g", given, results)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("body", 1)]
    return helper.make_model(graph, opset_imports=imports, functions=[function] if function else [], ir_version=10)


def body_of(op, opset, node, inputs):
    schema = onnx.defs.get_schema(op, opset)
    if schema.has_context_dependent_function:
        types = [helper.make_tensor_type_proto(*value).SerializeToString() if value else onnx.TypeProto().SerializeToString()
                 for value in inputs]
        function = onnx.FunctionProto.FromString(schema.get_context_dependent_function(node.SerializeToString(), types))
    else:
        function = onnx.FunctionProto()
        function.CopyFrom(schema.function_body)
    function.domain, function.name = "body", f"{op}_body"
    # Optional results that this body does not compute.
    computed = {output for each in function.node for output in each.output} | set(function.input)
    kept = [output for output in function.output if output in computed]
    del function.output[:]
    function.output.extend(kept)
    return function


def flops(path):
    """(FLOPs as a function of a binding of the graph's own symbols, what is unknown)."""
    report = contract.analyze(path, "--ledger=graph")
    names = {symbol["graph_name"]: symbol["name"] for symbol in report["symbols"]}
    formula = report["ledgers"]["graph"]["flops"]
    return (lambda at: contract.evaluate(formula, {names[k]: v for k, v in at.items() if k in names}),
            report["coverage"]["unknown"])


@pytest.mark.parametrize("case", sorted(set(CASES) - BY_RULE))
def test_costs_what_its_body_costs(case, tmp_path):
    op, opset, inputs, count, attributes = CASES[case]
    names = [f"x{i}" if value else "" for i, value in enumerate(inputs)]
    outputs = [f"y{i}" for i in range(count)]
    node = helper.make_node(op, names, outputs, **attributes)
    onnx.save(graph_of(node, inputs, outputs, opset), tmp_path / "whole.onnx")
    function = body_of(op, opset, node, inputs)
    defaults = {name: helper.get_attribute_value(attribute.default_value)
                for name, attribute in onnx.defs.get_schema(op, opset).attributes.items() if attribute.default_value.name}
    given = {name: value for name, value in {**defaults, **attributes}.items() if name in function.attribute}
    call = helper.make_node(function.name, names, outputs[:len(function.output)], domain="body", **given)
    onnx.save(graph_of(call, inputs, outputs, opset, function), tmp_path / "body.onnx")
    (whole, unknown), (body, unknown_body) = flops(tmp_path / "whole.onnx"), flops(tmp_path / "body.onnx")
    assert not unknown and not unknown_body
    binding = {"B": 2, "N": 24, "S": 5, "P": 11}
    for scale in (1, 3, 10):
        at = {name: value * scale for name, value in binding.items()}
        assert whole(at) == body(at)
