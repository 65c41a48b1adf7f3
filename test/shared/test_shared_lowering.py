"""test/e2e/test_lowering.py on every shared model: what is written is valid, and its products are those of the model."""

import contract
import onnx
import pytest
from export_check import valid
from test_lowering import ONNX_RUNTIMES_OWN, TARGETS, check_same_results, lowered, made
from test_shared_fusion import MODELS, WITH_WEIGHTS


def ledger(path):
    report = contract.analyze(path, "--ledger=graph")
    return report["ledgers"]["graph"], [symbol["name"] for symbol in report["symbols"]]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("passes", ["O1", "O2"])
@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_products_stay(model, passes, target, tmp_path):
    out, said = lowered(model, passes, target, tmp_path)
    if not made(said):
        return
    if valid(model) and not any(name in made(said) for name in ONNX_RUNTIMES_OWN):
        onnx.checker.check_model(onnx.load(out, load_external_data=False))
    (before, names), (after, _) = ledger(model), ledger(out)
    for n in (1, 7, 64):
        binding = {name: 1 if name == "B" else n for name in names}
        assert contract.evaluate(before["matrix_flops"], binding) == contract.evaluate(after["matrix_flops"], binding)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("passes", ["O1", "O2"])
@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
def test_same_results(model, passes, target, tmp_path):
    check_same_results(model, passes, target, tmp_path)
