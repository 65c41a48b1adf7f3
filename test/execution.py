"""Truth by execution: every tensor of a graph becomes an output, ONNX Runtime says what shape it has."""

import re

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

IDENTIFIER = re.compile(r"[A-Za-z_][\w.:#]*")
BYTES = {TensorProto.FLOAT: 4, TensorProto.FLOAT16: 2, TensorProto.BFLOAT16: 2, TensorProto.INT64: 8,
         TensorProto.INT32: 4, TensorProto.DOUBLE: 8}


class NotRun(Exception):
    """ONNX Runtime does not run the graph like this."""


def promoted(path):
    """The model with every tensor as an output, nothing declared but its inputs; weights that lie elsewhere are zeros."""
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    for tensor in graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            del tensor.external_data[:]
            tensor.data_location = TensorProto.DEFAULT
            tensor.raw_data = bytes(int(np.prod(tensor.dims)) * BYTES.get(tensor.data_type, 1))
    del graph.value_info[:]
    taken = {output.name for output in graph.output}
    for output in graph.output:
        output.ClearField("type")
    for name in (name for node in graph.node for name in node.output):
        if name and name not in taken:
            graph.output.add().name = name
            taken.add(name)
    for opset in model.opset_import:
        if opset.domain == "ai.onnx":
            opset.domain = ""  # its other name
    imported = {opset.domain for opset in model.opset_import}
    for domain in sorted({node.domain for node in graph.node} - imported):
        model.opset_import.append(helper.make_opsetid(domain, 1))
    return model


def outside_bytes(path):
    """Bytes of weights that lie in other files, and that zeros would have to stand for."""
    model = onnx.load(path, load_external_data=False)
    return sum(int(np.prod(tensor.dims)) * BYTES.get(tensor.data_type, 1) for tensor in model.graph.initializer
               if tensor.data_location == TensorProto.EXTERNAL)


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options)
    except Exception as why:  # ONNX Runtime's own, of many kinds
        raise NotRun(str(why)) from None


def session(path):
    return session_of(promoted(path))


NUMPY = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64,
         "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(uint8)": np.uint8, "tensor(int8)": np.int8,
         "tensor(bool)": np.bool_, "tensor(uint16)": np.uint16, "tensor(int16)": np.int16}


def shapes_at(running, dims_of):
    """{name: shape} of every tensor, with inputs of these dims: {name: [int]}."""
    feeds = {}
    for entry in running.get_inputs():
        if entry.type not in NUMPY or entry.name not in dims_of:
            raise NotRun(f"an input of type {entry.type}")
        feeds[entry.name] = np.ones(dims_of[entry.name], NUMPY[entry.type])
    names = [output.name for output in running.get_outputs()]
    try:
        values = running.run(names, feeds)
    except Exception as why:
        raise NotRun(str(why)) from None
    return {name: list(value.shape) for name, value in zip(names, values) if isinstance(value, np.ndarray)}


def symbols_of(shapes):
    """The symbols in the dims of these shapes, in order."""
    found = {}
    for shape in shapes:
        for dim in shape:
            if isinstance(dim, str):
                found.update(dict.fromkeys(IDENTIFIER.findall(dim)))
    return [name for name in found if name not in ("max", "min")]
