"""Gpus.def against the table that it was made from: every column of every row (the notes aside, which we reword)."""

import csv
import re

import pytest

from contract import ROOT

COLUMNS = """key vendor name arch fp64 fp64_tensor fp32 tf32 fp16 fp16_fp16acc bf16 fp8 int8 fp4 int4 mem_GB mem_type bw_GBs
L2_MiB LLC_MiB units unit_kind sram_KiB_per_unit max_smem_KiB_per_block link_GBs_bidir link TDP_W eff_gemm_best
eff_gemm_median eff_weightstream_M1 verified source""".split()

CELL = re.compile(r'"(?P<text>(?:\\.|[^"\\])*)"|(?P<word>[\w.+-]+)')
GROUPS = {"rates", "memory", "units", "link", "measured"}


def cells(line):
    """What a line of Gpus.def holds, as the table has it: an unknown is empty."""
    for cell in CELL.finditer(line.removeprefix("XFA_GPU(")):
        if cell["word"] is None:
            yield re.sub(r"\\(.)", r"\1", cell["text"])
        elif cell["word"] not in GROUPS:
            yield "" if cell["word"] == "_" else cell["word"]


def definition_rows():
    for line in (ROOT / "include" / "xfa" / "Target" / "Gpus.def").read_text().splitlines():
        if line.startswith("XFA_GPU("):
            yield dict(zip(COLUMNS, cells(line)))


def test_every_row_is_there(shared):
    with open(shared / "reference" / "gpus.tsv", newline="") as table:
        expected = {row["key"]: row for row in csv.DictReader(table, delimiter="\t")}
    found = {row["key"]: row for row in definition_rows()}
    assert list(found) == list(expected)
    for key, row in expected.items():
        for column in COLUMNS:
            assert found[key][column] == row[column], (key, column)
