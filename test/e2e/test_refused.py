"""Files that contradict themselves; ONNX Runtime refuses each of them, too."""

import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import contract


def undefined_input():
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["B"])])
    graph.input[0].type.tensor_type.elem_type = TensorProto.UNDEFINED
    return graph


def default_of_another_shape():
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])])
    graph.initializer.append(helper.make_tensor("x", TensorProto.FLOAT, [2], [1, 2]))
    return graph


def emptied_scalar():
    graph = helper.make_graph([helper.make_node("Mul", ["x", "s"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["B"])])
    graph.initializer.append(onnx.TensorProto(name="s", data_type=TensorProto.FLOAT, raw_data=b""))
    return graph


@pytest.mark.parametrize("make, why", [
    (undefined_input, "input 'x' has no element type"),
    (default_of_another_shape, "input 'x' is declared [4], but its initializer is [2]"),
    (emptied_scalar, "tensor 's': expected 1 fp32 elements, as its dims say, found raw_data of 0 bytes"),
])
def test_refused(make, why, tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(make(), ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), path)
    assert contract.shapes([path], tmp_path)[path]["error"] == f"{path}: {why}"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with pytest.raises(Exception):
        onnxruntime.InferenceSession(path, options)
