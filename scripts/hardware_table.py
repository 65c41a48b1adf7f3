#!/usr/bin/env python3
"""Predicted bytes of attention beside measured ones:  hardware_table.py [--check] BUILD [-o FILE]

Each row of test/e2e/h200_attention.tsv becomes a graph, fused or not, which xf-analyze costs on the H200. The rule that holds for a row
follows from its sizes alone. Exits 1 where a row breaks its rule; --check compares with FILE too.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import generated
import onnx

ROOT = Path(__file__).resolve().parent.parent
L2 = 50 * 2**20  # of an H200 (include/xfa/Target/Gpus.def)
OWN = 80_000  # bytes that kernels read beside their operands: instructions, parameters

HEAD = """# Attention on an H200: predicted and measured

Written by `scripts/hardware_table.py build -o docs/HARDWARE.md`, which fails where a row breaks its rule; a test runs it. Measured:
`dram__bytes_read.sum` of Nsight Compute, caches flushed before each kernel, fp16, PyTorch 2.11 (`flash`: FlashAttention-2, `cudnn`,
`efficient`: its other kernels; `unfused`: product, scale, mask, softmax, product, a kernel each). Predicted: the graph ledger's bytes
without what is written (`flash` and the others: what is read again included, C15), of the kernel that `fuse-attention` makes, or of the five nodes.

| rule | holds for | what it says |
|---|---|---|
| own | predicted reads below 1 MB | kernels read instructions and parameters too: at most 80 kB more than predicted |
| unfused | the five nodes | within 5 % |
| fits | K and V of all heads within L2 | within 5 % |
| waves | `flash` beyond that, not causal | K and V once a wave of tiles where those of the heads in flight take more than half of L2: within 26 % of what is measured |
| in flight | the other kernels, as long as the heads in flight fit half of L2 | once: within 5 % |
| between | what is left: `flash` beyond L2 under a causal mask, whose tiles are of different lengths, so that those of a head run out of step; and kernels whose tiles we do not know | at least once, at most once a tile |

Writes are not compared: they are counted while a kernel runs, and what fits L2 is still there when it ends.

| kernel | causal | B | N | heads | K/V heads | width | predicted read | measured | measured / predicted | rule |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|"""


@dataclass
class Row:
    backend: str
    causal: bool
    B: int
    N: int
    heads: int
    kv_heads: int
    width: int
    measured: int

    @property
    def queries(self):
        return 2 * self.B * self.N * self.heads * self.width

    @property
    def keys_and_values(self):
        return 4 * self.B * self.N * self.kv_heads * self.width


def rows():
    with open(ROOT / "test" / "e2e" / "h200_attention.tsv", newline="") as table:
        for each in csv.DictReader(table, delimiter="\t"):
            yield Row(each["backend"].split("_")[0], each["causal"] == "1", *(int(each[key]) for key in ("B", "N", "H", "Hkv", "head_dim")),
                      int(each["dram_read_flushed_B"]))


def graph(row):
    """One operator, or the five nodes."""
    if row.backend == "unfused":
        return f"""<ir_version: 8, opset_import: ["" : 17]>
        g (float16[B,{row.heads},N,{row.width}] q, float16[B,{row.heads},{row.width},N] k, float16[B,{row.heads},N,{row.width}] v, bool[1,1,N,N] open)
        => (float16[B,{row.heads},N,{row.width}] y) <float16 root = {{18432}}, float16 low = {{64511}}>
        {{ p = MatMul (q, k)  s = Div (p, root)  m = Where (open, s, low)  w = Softmax <axis = -1> (m)  y = MatMul (w, v) }}"""
    return f"""<ir_version: 10, opset_import: ["" : 23]>
    g (float16[B,{row.heads},N,{row.width}] q, float16[B,{row.kv_heads},N,{row.width}] k, float16[B,{row.kv_heads},N,{row.width}] v)
    => (float16[B,{row.heads},N,{row.width}] y) {{ y = Attention <is_causal = {int(row.causal)}> (q, k, v) }}"""


class Predictions:
    def __init__(self, build, scratch):
        self.program, self.scratch = build / "bin" / "xf-analyze", Path(scratch)

    @cache
    def model(self, text):
        path = self.scratch / f"{hash(text):x}.onnx"
        onnx.save(onnx.parser.parse_model(text), path)
        return path

    def reads(self, row):
        done = subprocess.run([self.program, self.model(graph(row)), "--format=json", "--ledger=graph", "--gpu=h200", f"--at=B={row.B},N={row.N}"],
                              capture_output=True, text=True, check=True)
        report = json.loads(done.stdout)
        written = eval(str(report["ledgers"]["graph"]["bytes_written"]), {}, {"B": row.B, "N": row.N})
        return report["points"][0]["bytes_total"] - written


def in_flight(row):
    """Bytes of K and V of the heads that 2 blocks on each of 132 units work on, tiles of 128 rows."""
    tiles = -(-row.N // 128) * row.heads // row.kv_heads
    return min(-(-(2 * 132 - 1) // tiles) + 1, row.B * row.kv_heads) * 4 * row.N * row.width


def rule(row, predicted):
    """Its name, and the least and most that may be measured."""
    if predicted < 10**6:
        return "own", predicted, predicted + OWN
    if row.backend == "unfused":
        return "unfused", 0.95 * predicted, 1.05 * predicted
    if row.keys_and_values <= L2:
        return "fits", 0.95 * predicted, 1.05 * predicted
    if row.backend == "flash" and not row.causal:
        return "waves", predicted / 1.26, predicted / 0.74
    if row.backend != "flash" and in_flight(row) <= L2 // 2:
        return "in flight", 0.95 * predicted, 1.05 * predicted
    once = row.queries + row.keys_and_values
    tiles = -(-row.N // 128) * row.heads // row.kv_heads
    return "between", 0.99 * once, row.queries + row.keys_and_values * (tiles + 1) / (2 if row.causal else 1)


def table(build):
    lines, broken = [HEAD], []
    with tempfile.TemporaryDirectory() as scratch:
        predictions = Predictions(build, scratch)
        for row in rows():
            predicted = predictions.reads(row)
            name, least, most = rule(row, predicted)
            if not least <= row.measured <= most:
                broken.append(f"{row}: predicted {predicted}, rule {name}: from {least:.0f} to {most:.0f}")
            lines.append(f"| {row.backend} | {'yes' if row.causal else 'no'} | {row.B} | {row.N} | {row.heads} | {row.kv_heads} | {row.width} "
                         f"| {predicted} | {row.measured} | {row.measured / predicted:.3f} | {name} |")
    return "\n".join([*lines, ""]), broken


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=Path)
    generated.add_options(parser)
    arguments = parser.parse_args()
    text, broken = table(arguments.build)
    if broken:
        sys.exit("\n".join(broken))
    generated.deliver(text, arguments, "what is predicted; write it anew with scripts/hardware_table.py")


if __name__ == "__main__":
    main()
