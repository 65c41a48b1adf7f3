"""Σ roles = Σ layers = Σ nodes = total, and the reconciliation's lines lead from one ledger to the other."""

import contract
import pytest
from sums import check_sums

MODELS = sorted(contract.MODELS.rglob("*.onnx"))


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_sums(model):
    check_sums(model)


@pytest.mark.parametrize("options", [
    ["--scope=all"], ["--scope=attention"], ["--scope=qk,softmax,norm"], ["--dtype=fp32"], ["--weights=int4,g128"],
    ["--softmax-flops=5"], ["--layout=executed"], ["--dtype=int8", "--scope=mha"],
], ids=" ".join)
@pytest.mark.parametrize("model", ["gpt2-xl", "llama3-8b-2l_withpast_optimum"])
def test_sums_under_what_ifs(model, options):
    check_sums(contract.MODELS / f"{model}.onnx", *options)
