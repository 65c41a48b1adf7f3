"""test/e2e/test_fusion.py on every shared model."""

import contract
import pytest
from fusion_check import ALL_PASSES, check_fuse_and_unfuse, check_same_results

MODELS = sorted(path for folder in ("models", "corpus") for path in (contract.SHARED / folder).glob("**/*.onnx"))
WITH_WEIGHTS = sorted((contract.SHARED / "models" / "kv").glob("*.onnx"))


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_fuse_and_unfuse(model, tmp_path):
    if "invalid" in model.stem:
        pytest.skip("its shapes contradict each other")
    check_fuse_and_unfuse(model, tmp_path)


@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
def test_same_results(model, tmp_path):
    check_same_results(model, ALL_PASSES, tmp_path)
