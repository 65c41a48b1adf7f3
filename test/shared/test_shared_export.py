"""The round trip of test/e2e/test_export.py on every shared model."""

import contract
import pytest
from export_check import check_round_trip

FOLDERS = [contract.SHARED / "models", contract.SHARED / "corpus"]
MODELS = sorted(path for folder in FOLDERS for path in folder.glob("**/*.onnx"))


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_round_trip(model, tmp_path):
    check_round_trip(model, tmp_path)
