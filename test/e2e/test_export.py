"""xf-opt -o: the model that is written is the one that was read; ONNX Runtime computes the same with it."""

import contract
import numpy as np
import onnx
import pytest
from export_check import check_round_trip, run_tokens, xf_opt

MODELS = sorted(contract.MODELS.glob("*.onnx")) + sorted(contract.MODELS.glob("kv/*.onnx"))
WITH_WEIGHTS = sorted(contract.MODELS.glob("kv/*.onnx"))


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_round_trip(model, tmp_path):
    check_round_trip(model, tmp_path)


@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("passes", [None, "unfuse,dce"])
def test_same_results(model, passes, tmp_path):
    out = tmp_path / "out.onnx"
    xf_opt(model, *([f"--passes={passes}", "--verify-each"] if passes else []), "-o", out)
    for before, after in zip(run_tokens(model), run_tokens(out), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
def test_text(model, tmp_path):
    """The text says the same model: what comes of it computes the same."""
    text, again = tmp_path / "out.onnxtxt", tmp_path / "again.onnx"
    xf_opt(model, "-o", text)
    xf_opt(text, "-o", again)
    assert len(onnx.load(again).graph.node) == len(onnx.load(model).graph.node)
    for before, after in zip(run_tokens(model), run_tokens(again), strict=True):
        np.testing.assert_array_equal(before, after)
