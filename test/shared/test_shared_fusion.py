"""test/e2e/test_fusion.py on every shared model."""

import contract
import pytest
from fusion_check import ALL_PASSES, PIPELINES, check_fuse_and_unfuse, check_same_results, outcome

# Those that are called invalid contradict themselves, on purpose.
MODELS = sorted(path for folder in ("models", "corpus") for path in (contract.SHARED / folder).glob("**/*.onnx")
                if "invalid" not in path.stem)
WITH_WEIGHTS = sorted((contract.SHARED / "models" / "kv").glob("*.onnx"))


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
@pytest.mark.parametrize("passes", [ALL_PASSES, *PIPELINES])
def test_fuse_and_unfuse(model, passes, tmp_path):
    check_fuse_and_unfuse(model, tmp_path, passes)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_attention_is_fused_or_the_reason_said(model):
    report = contract.analyze(model, "--ledger=graph")
    layers = report["structure"]["layers"] if report["structure"]["kind"] not in ("none", "mlp") else 0
    fired, reasons = outcome(model, "fuse-attention")
    assert fired + len(reasons) >= layers
    if "gpt2-xl" in model.stem:
        assert fired == 48



@pytest.mark.parametrize("passes", [ALL_PASSES, *PIPELINES])
@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
def test_same_results(model, passes, tmp_path):
    check_same_results(model, passes, tmp_path)
