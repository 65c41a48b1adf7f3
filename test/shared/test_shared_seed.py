"""Every export of GPT-2 XL has the seed's figures: role by role in the full pass, and in a decoding step."""

import contract
import pytest
from textbook_rules import check_full_pass, check_step

XL = 48, 1600, 25, 6400, 2  # layers, D, H, MLP width, bytes an element
EXPORTS = sorted((contract.SHARED / "models").glob("gpt2-xl_*.onnx"))


@pytest.mark.parametrize("model", EXPORTS, ids=lambda path: path.stem)
def test_gpt2_xl(model):
    report = contract.analyze(model, "--dtype=fp16", "--ledger=textbook", "--view=summary,roles,decode")
    if "nopast" in model.stem:
        check_full_pass(report["ledgers"]["textbook"], *XL)
    check_step(report["decode"]["textbook"], *XL)
