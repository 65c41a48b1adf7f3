"""How many weights the headline counts, and whether they are in the file."""

import contract
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def summary(tmp_path, nodes, initializers, opset=17):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 40])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(a, name) for name, a in initializers.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)])
    onnx.save(model, tmp_path / "model.onnx")
    return contract.analyze(tmp_path / "model.onnx")["model"]


def test_four_bits(tmp_path):
    """40 × 6 weights in blocks of 32: two blocks a column, of which the second is padded; 16 bytes a block."""
    node = helper.make_node("MatMulNBits", ["x", "w", "scales"], ["y"], domain="com.microsoft", K=40, N=6, bits=4, block_size=32)
    model = summary(tmp_path, [node], {"w": np.zeros((6, 2, 16), np.uint8), "scales": np.ones((6, 2), np.float32)})
    assert (model["parameters"], model["weights_present"]) == (240, True)


def test_small_weights_are_there(tmp_path):
    """No tensor has more than 1024 elements: the small ones decide."""
    model = summary(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": np.zeros((40, 6), np.float32)})
    assert (model["parameters"], model["weights_present"]) == (240, True)
