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


@pytest.mark.parametrize("model", [path for path in MODELS if "gpt2-xl" in path.stem], ids=lambda path: path.stem)
def test_48_of_48(model):
    """Each pass that has its pattern there; the product of Q, K and V is one already, 48 times."""
    for name in ("fuse-scale", "fuse-mask-softmax", "fuse-attention", "split-qkv"):
        assert outcome(model, name)[0] == 48, name
    assert outcome(model, "fuse-epilogue")[0] == 3 * 48
    assert outcome(model, "fuse-norm")[0] >= 2 * 48
    fired, reasons = outcome(model, "pack-qkv")
    assert fired == 0 and len(reasons) == 48 and all("one product already" in line for line in reasons)


@pytest.mark.parametrize("passes", [ALL_PASSES, *PIPELINES])
@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
def test_same_results(model, passes, tmp_path):
    check_same_results(model, passes, tmp_path)
