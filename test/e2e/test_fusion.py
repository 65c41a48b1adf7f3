"""Fusions: ONNX Runtime computes the same, unfuse gives the graph back, FLOPs stay and bytes never grow."""

import subprocess
from collections import Counter

import contract
import numpy as np
import onnx
import pytest
from export_check import run_tokens, xf_opt

PASSES = ["fuse-scale", "fuse-mask-softmax", "fuse-attention", "fuse-norm", "elementwise",
          "fuse-norm,fuse-scale,fuse-mask-softmax,fuse-attention,elementwise"]
MODELS = sorted(contract.MODELS.glob("*.onnx"))
WITH_WEIGHTS = sorted(contract.MODELS.glob("kv/*.onnx"))
GPT2_XL = contract.MODELS / "gpt2-xl.onnx"


@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("passes", PASSES)
def test_same_results(model, passes, tmp_path):
    out = tmp_path / "out.onnx"
    xf_opt(model, f"--passes={passes}", "--verify-each", "-o", out)
    onnx.checker.check_model(str(out))
    for before, after in zip(run_tokens(model), run_tokens(out), strict=True):
        np.testing.assert_allclose(before, after, rtol=1e-5, atol=1e-6)


def nodes(path):
    """The main graph's nodes, wherever they stand."""
    return Counter(node.SerializeToString(deterministic=True)
                   for node in onnx.load(path, load_external_data=False).graph.node)


def ledger(path):
    """FLOPs and bytes of the graph ledger, and the symbols they are in."""
    report = contract.analyze(path, "--ledger=graph")
    graph = report["ledgers"]["graph"]
    return graph["flops"], graph["bytes"], [symbol["name"] for symbol in report["symbols"]]


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_fuse_and_unfuse(model, tmp_path):
    plain, fused, again = (tmp_path / f"{name}.onnx" for name in ("plain", "fused", "again"))
    # Functions that the exporter wrote would be inlined too.
    xf_opt(model, "--passes=unfuse", "-o", plain)
    xf_opt(plain, f"--passes={PASSES[-1]}", "--verify-each", "-o", fused)
    xf_opt(fused, "--passes=unfuse", "--verify-each", "-o", again)
    assert nodes(again) == nodes(plain)

    flops, size, names = ledger(plain)
    flops_fused, size_fused, _ = ledger(fused)
    for n in (1, 7, 64):
        binding = {name: 1 if name == "B" else n for name in names}
        assert contract.evaluate(flops, binding) == contract.evaluate(flops_fused, binding)
        assert contract.evaluate(size_fused, binding) <= contract.evaluate(size, binding)


def fired(model, passes):
    done = subprocess.run([contract.BIN / "xf-opt", model, f"--passes={passes}", "--explain", "-o", "/dev/null"],
                          capture_output=True, text=True)
    assert done.returncode == 0
    counts = {name: 0 for name in passes.split(",")}
    for line in done.stderr.splitlines():
        kind, name, *said = line.split(": ")
        if kind == "note" and said[0].startswith("fired"):
            counts[name] = int(said[0].split()[1])
    return counts


def test_all_48_layers():
    assert fired(GPT2_XL, "fuse-scale") == {"fuse-scale": 48}
    assert fired(GPT2_XL, "fuse-mask-softmax") == {"fuse-mask-softmax": 48}
    assert fired(GPT2_XL, "fuse-attention") == {"fuse-attention": 48}


def test_bytes_of_attention(tmp_path):
    """fuse-attention leaves 4BND elements a layer and the mask's own: Q, K, V read, the result written."""
    layers, d, heads, size = 48, 1600, 25, 2
    out = tmp_path / "out.onnx"
    xf_opt(GPT2_XL, "--passes=fuse-attention", "-o", out)
    before, after = (contract.analyze(path, "--ledger=graph") for path in (GPT2_XL, out))
    roles = {"qk", "scale", "mask", "softmax", "av"}

    def core(report, binding):
        return sum(contract.evaluate(row["bytes"], binding) for row in report["ledgers"]["graph"]["roles"]
                   if row["role"] in roles)

    for b, n in ((1, 32), (2, 100)):
        binding = {"B": b, "N": n}
        saved = core(before, binding) - core(after, binding)
        # The scores (HBN² elements) between product, scale, mask, softmax and product.
        assert saved > 0 and saved % (layers * heads * b * n * n * size) == 0
        left = core(after, binding) - layers * size * 4 * b * n * d
        assert 0 <= left <= layers * 2 * 8 * b * n * n, "no more than masks"
