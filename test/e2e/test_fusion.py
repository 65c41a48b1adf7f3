"""Fusions: ONNX Runtime computes the same, unfuse gives the graph back, FLOPs stay and bytes never grow."""

import os
import subprocess
import sys

import contract
import onnx
import pytest
from export_check import xf_opt
from fusion_check import ALL_PASSES, FUSIONS, PIPELINES, check_fuse_and_unfuse, check_same_results, outcome
from small_transformers import VOCABULARY, Draw
from test_recall import PAIRS, RECALL, accuracy

COUNT = 500 if os.environ.get("XFA_LONG") else 60
PASSES = [*FUSIONS, "split-qkv", "pack-qkv,split-qkv", ALL_PASSES, *PIPELINES]
MODELS = sorted(contract.MODELS.glob("*.onnx"))
WITH_WEIGHTS = sorted(contract.MODELS.glob("kv/*.onnx"))
GPT2_XL = contract.MODELS / "gpt2-xl.onnx"


@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("passes", PASSES)
def test_same_results(model, passes, tmp_path):
    check_same_results(model, passes, tmp_path)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
@pytest.mark.parametrize("passes", [ALL_PASSES, *PIPELINES])
def test_fuse_and_unfuse(model, passes, tmp_path):
    check_fuse_and_unfuse(model, tmp_path, passes)


@pytest.mark.parametrize("seed", range(COUNT))
def test_drawn(seed, tmp_path):
    """Each pass on the drawn transformers of the kv-cache tests; each fires where it must."""
    draw = Draw(2000 + seed)
    model = tmp_path / "drawn.onnx"
    onnx.save(draw.model(), model)
    for passes in PASSES:
        check_same_results(model, passes, tmp_path, VOCABULARY)
    check_fuse_and_unfuse(model, tmp_path)
    counts = {name: outcome(model, name)[0] for name in (*FUSIONS, "split-qkv")}
    assert counts["fuse-attention"] == draw.layers, f"{draw}: {counts}"
    assert counts["fuse-scale"] == (0 if draw.scale == "none" else draw.layers), f"{draw}: {counts}"
    assert counts["fuse-mask-softmax"] == draw.layers, f"{draw}: {counts}"
    packed = draw.product == "packed"
    assert (counts["pack-qkv"], counts["split-qkv"]) == ((0, draw.layers) if packed else (draw.layers, 0)), f"{draw}: {counts}"
    # The product before the activation, and the two before residuals.
    assert counts["fuse-epilogue"] >= 3 * draw.layers, f"{draw}: {counts}"
    # All norms but the first (without a sum before it) and the one that the position's sum is before.
    assert counts["fuse-norm"] >= 2 * draw.layers, f"{draw}: {counts}"


@pytest.mark.parametrize("passes", PIPELINES)
def test_recall_is_solved(passes, tmp_path):
    out = tmp_path / "recall.onnx"
    xf_opt(RECALL / "recall_2_layers.onnx", f"--passes={passes}", "-o", out)
    assert accuracy(out, PAIRS, 1001) >= 0.9


@pytest.mark.parametrize("seed", range(10))
def test_softmax_over_queries_is_not_fused(seed, tmp_path):
    draw = Draw(3000 + seed, "axis")
    model = tmp_path / "drawn.onnx"
    onnx.save(draw.model(), model)
    assert outcome(model, "fuse-attention")[0] == 0
    assert outcome(model, "fuse-mask-softmax")[0] == 0
    check_same_results(model, "O2", tmp_path, VOCABULARY)


def test_all_48_layers():
    for name in ("fuse-scale", "fuse-mask-softmax", "fuse-attention", "split-qkv"):
        assert outcome(GPT2_XL, name)[0] == 48
    # Output projection and MLP; the products of Q, K and V have their bias inside.
    assert outcome(GPT2_XL, "fuse-epilogue")[0] == 3 * 48
    assert outcome(GPT2_XL, "pack-qkv")[0] == 0


def test_table():
    """docs/FUSIONS.md says what the passes do."""
    done = subprocess.run([sys.executable, contract.ROOT / "scripts" / "fusion_table.py", contract.BIN.parent, "--check",
                           "-o", contract.ROOT / "docs" / "FUSIONS.md"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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
