"""docs/SEED.md: every question of the seed held against what the tool prints (scripts/seed.py)."""

import importlib.util

import contract
import pytest

SPEC = importlib.util.spec_from_file_location("seed", contract.ROOT / "scripts" / "seed.py")
seed = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(seed)
BUILD = contract.BIN.parent


def test_no_row_moves():
    text, _, different = seed.page(BUILD)
    assert not different
    committed = (contract.ROOT / "docs" / "SEED.md").read_text()
    moved = [line for line in text.splitlines() if line not in committed.splitlines()]
    assert text == committed, f"make seed; these lines are not in docs/SEED.md: {moved[:5]}"


MHA = {"model": "abstract/mha.onnxtxt", "options": "--ledger=textbook --scope=mha"}
FLOPS = {**MHA, "tool": "ledgers.textbook.flops"}
BYTES = {**MHA, "tool": "ledgers.textbook.bytes"}
SCALED = "4*B*N**2*D + 5*H*B*N**2"


@pytest.mark.parametrize("row", [
    {**FLOPS, "formula": "4*B*N**2*D + 4*H*B*N**2"},
    {**FLOPS, "formula": "4*B*N**2*D + 5*B*N**2"},
    {**BYTES, "formula": "2*(4*B*N*D + 6*H*B*N**2)*n"},
    {**BYTES, "formula": "8*B*N*D + 12*H*B*N**2 + 0*n"},  # right for n = 2 only
    {**MHA, "tool": "intensity[0].along[symbol=N].flops_degree", "word": "1"},
    {**FLOPS, "formula": SCALED, "rules": SCALED, "slip": "there is none"},
    {**FLOPS, "tool": "ledgers.textbook.nothing", "formula": SCALED},
    {**MHA, "tool": "structure.kind", "word": "decoder"},
    {"model": "gpt2-xl.onnx", "tool": "structure.vocab", "figure": "50258"},
    {"model": "gpt2-xl.onnx", "tool": "structure.vocab", "figure": "50258", "working": "50256 + 1", "slip": "no"},
    {"model": "gpt2-xl.onnx", "tool": "structure.vocab", "figure": "50257", "working": "50257", "slip": "no"},
    {"model": "gpt2-xl.onnx", "tool": "structure.vocab", "reckoned": "50258"},
    {"recall": 1},
    {"model": "gpt2-xl.onnx", "tool": "structure.vocab", "figure": "5025", "slip": "cut", "working": "5026"},
], ids=str)
def test_a_wrong_row_is_seen(row):
    assert seed.judged(BUILD, row)[1].startswith("DIFFERENT")


@pytest.mark.parametrize("number, figure, how", [
    ("3.0727e9", "3.07e9", "round"), ("0.00145699", "0.00145", "cut"), ("0.00145699", "0.00146", "round"),
    ("0.0102425", "0.01023", None), ("48", "48", "exact"), ("153.0161", "153.02", "round"), ("0.0360473", "0.0360", "round"),
    ("9.996", "10.0", "round"), ("1.5", "1.6", None),
])
def test_figures(number, figure, how):
    assert seed.agrees(seed.Fraction(number), figure) == how
