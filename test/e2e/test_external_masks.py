"""A mask in another file: read where that file is there, supposed and said where it is not, and never outside the model's folder."""

import subprocess

import contract
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

LENGTH, WIDTH = 64, 8
CAUSAL = np.tril(np.ones((LENGTH, LENGTH), bool))
LEAKING = CAUSAL | (np.add.outer(np.arange(LENGTH) * LENGTH, np.arange(LENGTH)) == 3 * LENGTH + 5)
OPEN = np.ones_like(CAUSAL)


def attention(mask):
    """One head over tokens; the scores are masked by a corner of mask, a table of booleans or of addends."""
    random = np.random.default_rng(0)
    tables = {name: random.normal(size=(WIDTH, WIDTH)).astype(mask_type(mask)) for name in "qkvo"}
    tables |= {"embeddings": random.normal(size=(11, WIDTH)).astype(mask_type(mask)), "mask": mask,
               "one": np.array(1), "zero": np.array([0]), "columns": np.array([1])}
    nodes = [helper.make_node("Gather", ["embeddings", "ids"], ["x"])]
    nodes += [helper.make_node("MatMul", ["x", name], ["x" + name]) for name in "qkv"]
    nodes += [helper.make_node("Transpose", ["xk"], ["kt"], perm=[0, 2, 1]),
              helper.make_node("MatMul", ["xq", "kt"], ["scores"]),
              helper.make_node("Shape", ["ids"], ["shape"]),
              helper.make_node("Gather", ["shape", "one"], ["n"]),
              helper.make_node("Unsqueeze", ["n", "zero"], ["end"]),
              helper.make_node("Slice", ["mask", "zero", "end", "zero"], ["rows"]),
              helper.make_node("Slice", ["rows", "zero", "end", "columns"], ["corner"])]
    if mask.dtype == bool:
        tables["hidden"] = np.array(-1e9, np.float32)
        nodes.append(helper.make_node("Where", ["corner", "scores", "hidden"], ["masked"]))
    else:
        nodes.append(helper.make_node("Add", ["scores", "corner"], ["masked"]))
    nodes += [helper.make_node("Softmax", ["masked"], ["p"], name="softmax"),
              helper.make_node("MatMul", ["p", "xv"], ["mixed"]), helper.make_node("MatMul", ["mixed", "o"], ["y"])]
    element = helper.np_dtype_to_tensor_dtype(np.dtype(mask_type(mask)))
    graph = helper.make_graph(
        nodes, "attention", [helper.make_tensor_value_info("ids", TensorProto.INT64, ["b", "n"])],
        [helper.make_tensor_value_info("y", element, ["b", "n", WIDTH])],
        [numpy_helper.from_array(np.asarray(table), name) for name, table in tables.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def mask_type(mask):
    return np.float32 if mask.dtype == bool else mask.dtype


def addends(mask):
    return np.where(mask, 0, -65504).astype(np.float16)


def outside(model, folder):
    """Saves model as folder/model.onnx, its larger tensors in a file beside it."""
    onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="weights", size_threshold=100)
    return folder / "model.onnx"


def kv_cache(path):
    done = subprocess.run([contract.BIN / "xf-opt", path, "--passes=kv-cache", "-o", path.with_name("after.onnx")],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    fired = any("xfa.cache" == prop.key for prop in onnx.load(path.with_name("after.onnx"), load_external_data=False).metadata_props)
    return fired, done.stderr


@pytest.mark.parametrize("spell", [lambda mask: mask, addends], ids=["boolean", "fp16 addends"])
@pytest.mark.parametrize("mask,says", [(CAUSAL, None), (LEAKING, "leaves row 3 open to column 5"),
                                       (OPEN, "leaves row 0 open to column 1")], ids=["causal", "leaking", "open"])
def test_present(mask, says, spell, tmp_path):
    fired, said = kv_cache(outside(attention(spell(mask)), tmp_path))
    assert fired == (says is None)
    assert says is None or says in said
    assert "not read" not in said, "it is there to be read"


def test_absent(tmp_path):
    path = outside(attention(OPEN), tmp_path)
    (tmp_path / "weights").unlink()
    fired, said = kv_cache(path)
    assert fired and "assumes: the elements of 'mask', which lie in another file and were not read" in said


@pytest.mark.parametrize("spoil", ["short", "elsewhere"])
def test_not_to_be_read(spoil, tmp_path):
    """A file that ends too early, and one that lies outside the model's folder, are as if absent."""
    (tmp_path / "in").mkdir()
    path = outside(attention(OPEN), tmp_path / "in")
    if spoil == "short":
        (path.with_name("weights")).write_bytes(b"\1")
    else:
        path.with_name("weights").rename(tmp_path / "weights")
        model = onnx.load(path, load_external_data=False)
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = "../weights"
        path.write_bytes(model.SerializeToString())
    assert "were not read" in kv_cache(path)[1]


def test_analysis_opens_no_other_file(tmp_path):
    causal = contract.analyze(outside(attention(OPEN), tmp_path))["structure"]["causal"]
    assert causal["verdict"] == "unknown" and "lie in another file" in causal["why"]
