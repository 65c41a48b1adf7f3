"""Attention against what an H200 reads: each measured row keeps the rule of its sizes (docs/HARDWARE.md)."""

import csv
import subprocess
import sys

import contract
import pytest


def test_table():
    done = subprocess.run([sys.executable, contract.ROOT / "scripts" / "hardware_table.py", contract.BIN.parent, "--check",
                           "-o", contract.ROOT / "docs" / "HARDWARE.md"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_fused_nodes_cost_what_the_operator_does(tmp_path):
    """The table's fused rows are of one operator; the kernel that fuse-attention makes of the nodes reads the mask beside it."""
    text = """<ir_version: 8, opset_import: ["" : 17]>
    g (float16[B,25,N,64] q, float16[B,25,64,N] k, float16[B,25,N,64] v, bool[1,1,N,N] open) => (float16[B,25,N,64] y)
    <float16 root = {18432}, float16 low = {64511}>
    { p = MatMul (q, k)  s = Div (p, root)  m = Where (open, s, low)  w = Softmax <axis = -1> (m)  y = MatMul (w, v) }"""
    model, fused = tmp_path / "nodes.onnxtxt", tmp_path / "fused.onnx"
    model.write_text(text)
    subprocess.run([contract.BIN / "xf-opt", model, "--passes=fuse-attention", "--require-fired", "-o", fused], check=True)
    graph = contract.analyze(fused, "--ledger=graph")["ledgers"]["graph"]
    for batch, n in ((1, 32), (1, 1024), (64, 1024)):
        read, written = (contract.evaluate(graph[key], {"B": batch, "N": n}) for key in ("bytes_read", "bytes_written"))
        assert (read, written) == (3 * 2 * batch * n * 1600 + n * n, 2 * batch * n * 1600)


COUNTED = [row for row in csv.DictReader((contract.ROOT / "test" / "e2e" / "h200_attention.tsv").open(), delimiter="\t")
           if row["backend"] == "flash" and row["flops_tensor_counted"] != "NA"]


@pytest.mark.parametrize("row", COUNTED, ids=lambda row: "-".join(row[key] for key in ("causal", "B", "N", "H", "Hkv", "head_dim")))
def test_tiles_that_tensor_cores_computed(row, tmp_path):
    """FlashAttention-2 skips what --causal-tiles=skip leaves out, to the FLOP."""
    heads, kv_heads, width, batch, n = (int(row[key]) for key in ("H", "Hkv", "head_dim", "B", "N"))
    model = tmp_path / "attention.onnxtxt"
    model.write_text(f"""<ir_version: 10, opset_import: ["" : 23]>
    g (float16[B,{heads},N,{width}] q, float16[B,{kv_heads},N,{width}] k, float16[B,{kv_heads},N,{width}] v) => (float16[B,{heads},N,{width}] y)
    {{ y = Attention <is_causal = {row["causal"]}> (q, k, v) }}""")
    options = ("--ledger=graph", "--gpu=h200", f"--at=B={batch},N={n}")
    report, skipping = contract.analyze(model, *options), contract.analyze(model, *options, "--causal-tiles=skip")
    every = contract.evaluate(report["ledgers"]["graph"]["matrix_flops"], {"B": batch, "N": n})
    assert every == 4 * batch * heads * n * n * width
    before, after = report["points"][0], skipping["points"][0]
    assert every - (before["flops"] - after["flops"]) == int(row["flops_tensor_counted"])
    assert before["bytes_total"] == after["bytes_total"]
    assert skipping["ledgers"] == report["ledgers"]  # polynomials stay: a ceiling is none


def test_times_without_hidden_tiles(tmp_path):
    """GPT-2 XL by hand, at B = 1 and N = 1024 on an H200: 48 layers leave out 28 of 64 tiles."""
    fused = tmp_path / "fused.onnx"
    subprocess.run([contract.BIN / "xf-opt", contract.MODELS / "gpt2-xl.onnx", "--passes=fuse-attention", "-o", fused], check=True)
    options = ("--ledger=graph", "--gpu=h200", "--at=B=1,N=1024")
    before, after = (contract.analyze(fused, *options, f"--causal-tiles={tiles}")["points"][0] for tiles in ("all", "skip"))
    hidden = 48 * 25 * 28 * 128 * 128 * 4 * 64
    assert before["flops"] - after["flops"] == hidden
    assert before["time_compute_s"] - after["time_compute_s"] == pytest.approx(hidden / 989.4e12)
    # A kernel: both products on matrix units, 5 vector FLOP a score, Q, K, V, the result and the mask in memory.
    scores = 25 * 1024**2
    seconds = lambda products: max(products / 989.4e12 + 5 * scores / 67e12, 2 * (4 * 1024 * 1600 + 1024**2) / 4800e9)
    every = 2 * 2 * 1600 * 1024**2
    assert before["time_per_op_s"] - after["time_per_op_s"] == pytest.approx(48 * (seconds(every) - seconds(every - hidden // 48)), rel=1e-6)


def test_nothing_is_hidden_unless_the_mask_is_causal(tmp_path):
    model = contract.MODELS / "whisper-tiny_encoder_optimum.onnx"
    fused = tmp_path / "fused.onnx"
    subprocess.run([contract.BIN / "xf-opt", model, "--passes=fuse-attention", "-o", fused], check=True)
    for path in (fused, contract.MODELS / "gpt2-xl.onnx"):  # no mask; products in kernels of their own
        options = ("--ledger=graph", "--gpu=h200")
        assert contract.analyze(path, *options)["points"] == contract.analyze(path, *options, "--causal-tiles=skip")["points"]
