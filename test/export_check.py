"""Holds what xf-opt writes against what it read."""

import subprocess

import contract
import numpy as np
import onnx
import onnxruntime as ort
from onnx_equality import differences


def xf_opt(model, *options):
    done = subprocess.run([contract.BIN / "xf-opt", model, *options], capture_output=True, text=True)
    assert done.returncode == 0, f"xf-opt {model.name}: status {done.returncode}: {done.stderr[-500:]}"
    return done.stderr


def valid(path):
    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError:
        return False
    return True


def check_round_trip(model, scratch):
    """An export is the same graph, valid where the original is, and the second time the same bytes."""
    once, twice = scratch / "once.onnx", scratch / "twice.onnx"
    said = xf_opt(model, "-o", once)
    xf_opt(once, "-o", twice)
    assert once.read_bytes() == twice.read_bytes(), "not byte-stable"
    before, after = (onnx.load(path, load_external_data=False) for path in (model, once))
    if "sorted" in said:
        before, after = (sorted_nodes(m) for m in (before, after))
    if "repeatedly" not in said:  # else names had to be made distinct
        assert not differences(before, after)
    if valid(model):
        assert valid(once)


def sorted_nodes(model):
    nodes = sorted(model.graph.node, key=lambda node: node.SerializeToString(deterministic=True))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def run_tokens(path, vocabulary=97):
    """A small language model's outputs in ONNX Runtime, without its optimisations: the same tokens each time."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    tokens = np.random.default_rng(7).integers(0, vocabulary, (2, 9))
    feeds = {given.name: tokens if "ids" in given.name else np.ones_like(tokens) for given in session.get_inputs()}
    return session.run(None, feeds)
