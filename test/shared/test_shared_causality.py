"""Causality by experiment: a token is changed, and the rows that move must be those that the verdict allows."""

import contract
import numpy as np
import onnx
import onnxruntime as ort
import pytest

MODELS = sorted((contract.SHARED / "models" / "kv").glob("*.onnx"))


def session(path, scratch):
    """The graph with dropout off: some were exported in training mode and draw new logits on every run."""
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type == "Dropout":
            del node.input[2:]
    onnx.save(model, scratch / path.name)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(str(scratch / path.name), options, providers=["CPUExecutionProvider"])


def leaks(run, tokens):
    """The first (row, column) with the row before the column that moves when the column's token changes; none."""
    names = [value.name for value in run.get_inputs()]
    logits = lambda x: run.run(None, {name: x if name == names[0] else np.ones_like(x) for name in names})[0]
    base = logits(tokens)
    moved = {}
    for column in range(1, tokens.shape[1]):
        changed = tokens.copy()
        changed[:, column] = (changed[:, column] + 11) % 97
        for row in np.flatnonzero(np.abs(logits(changed) - base).max(axis=(0, 2))[:column] > 1e-4):
            moved.setdefault(int(row), column)
    return min(moved.items()) if moved else None


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_verdict(shared, model, tmp_path):
    tokens = np.random.default_rng(7).integers(0, 97, (2, 9))
    found = leaks(session(model, tmp_path), tokens)
    causal = contract.analyze(tmp_path / model.name)["structure"]["causal"]
    if found:
        assert causal["verdict"] == "refuted", causal
        assert tuple(causal["leak"]) == found
    else:
        assert causal["verdict"] == "proved", causal
