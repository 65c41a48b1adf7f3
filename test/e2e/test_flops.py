"""Matrix FLOPs of the graph ledger are torch's count of the same model (C1, C8), for the checked-in graphs."""

import json

import contract
import pytest
from flops_differences import DIFFERENCES

TRUTHS = sorted(contract.MODELS.glob("*.flops.json"))


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda path: path.name.removesuffix(".flops.json"))
def test_matrix_flops(truth):
    model = truth.name.removesuffix(".flops.json")
    contract.check_flops(model, truth.with_name(f"{model}.onnx"), json.loads(truth.read_text()), DIFFERENCES)
