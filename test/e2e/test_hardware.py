"""Attention against what an H200 reads: each measured row keeps the rule of its sizes (docs/HARDWARE.md)."""

import subprocess
import sys

import contract


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
