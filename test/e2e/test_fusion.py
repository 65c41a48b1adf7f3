"""Fusions: ONNX Runtime computes the same, unfuse gives the graph back, FLOPs stay and bytes never grow."""

import subprocess

import contract
import pytest
from export_check import xf_opt
from fusion_check import ALL_PASSES, check_fuse_and_unfuse, check_same_results

PASSES = [*ALL_PASSES.split(","), ALL_PASSES]
MODELS = sorted(contract.MODELS.glob("*.onnx"))
WITH_WEIGHTS = sorted(contract.MODELS.glob("kv/*.onnx"))
GPT2_XL = contract.MODELS / "gpt2-xl.onnx"


@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("passes", PASSES)
def test_same_results(model, passes, tmp_path):
    check_same_results(model, passes, tmp_path)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_fuse_and_unfuse(model, tmp_path):
    check_fuse_and_unfuse(model, tmp_path)


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
