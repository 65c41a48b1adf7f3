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


@pytest.mark.parametrize("model", [GPT2_XL, *WITH_WEIGHTS, *(contract.MODELS / f"{name}.onnx" for name in (
    "bloom-560m-4l_withpast_optimum", "falcon-40b-2l_nopast_dynamo18_eager", "gpt2_nopast_dynamo20_sdpa", "t5-small_decoder_optimum"))],
    ids=lambda path: path.stem)
@pytest.mark.parametrize("passes", FUSIONS)
def test_each_pass_is_taken_back(model, passes, tmp_path):
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


@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
def test_a_file_of_kernels_is_taken_apart(model, tmp_path):
    """Layers share functions there; ONNX Runtime wants the nodes of their bodies to differ in name once they are in the graph."""
    fused = tmp_path / "fused.onnx"
    xf_opt(model, "--passes=O2", "-o", fused)
    check_same_results(fused, "unfuse", tmp_path)


@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("passes", ["pack-qkv", "split-qkv", "O2", "O2,unfuse"])
@pytest.mark.parametrize("number", ["_1", "_2"])
def test_names_of_new_nodes_are_free(model, passes, number, tmp_path):
    """Exporters number what would have one name, so a copy of a node can't take the next number without looking."""
    numbered = onnx.load(model)
    for index, node in enumerate(reversed(numbered.graph.node)):
        node.name = "node" + index * number
    path = tmp_path / "numbered.onnx"
    onnx.save(numbered, path)
    check_same_results(path, passes, tmp_path)


@pytest.mark.parametrize("back,fires", [(10, 1), (16, 0)], ids=["and back", "and elsewhere"])
def test_a_cast_there_and_back_loses_nothing(back, fires, tmp_path):
    """softmax(dtype=fp32).to(fp16) of fp16 scores, as TorchScript writes it."""
    model = onnx.parser.parse_model(f'''<ir_version: 8, opset_import: ["" : 17]>
    g (float16[B,4,N,8] q, float16[B,4,8,N] k, {"float16" if back == 10 else "bfloat16"}[B,4,N,8] v) => (y) <float16 c = {{15872}}> {{
      p = MatMul (q, k)  s = Mul (p, c)  w = Softmax <axis = -1> (s)  f = Cast <to = 1> (w)  h = Cast <to = {back}> (f)
      y = MatMul (h, v) }}''')
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    assert outcome(path, "fuse-attention")[0] == fires, outcome(path, "fuse-attention")[1]
    check_fuse_and_unfuse(path, tmp_path, "fuse-attention")


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


LAYERS, D, HEADS, SIZE = 48, 1600, 25, 2


def after(passes, scratch, *options):
    """The report on GPT-2 XL after the passes."""
    out = scratch / f"{passes}.onnx"
    xf_opt(GPT2_XL, f"--passes={passes}", "-o", out)
    return contract.analyze(out, "--ledger=graph", *options)


def bytes_at(report, binding, roles=None):
    graph = report["ledgers"]["graph"]
    return sum(contract.evaluate(row["bytes"], binding) for row in graph["roles"] if not roles or row["role"] in roles)


@pytest.mark.parametrize("binding", [{"B": 1, "N": 1}, {"B": 1, "N": 32}, {"B": 3, "N": 1000}], ids=str)
def test_against_theory(binding, tmp_path):
    before = contract.analyze(GPT2_XL, "--ledger=graph")
    scale, core, attention = (after(passes, tmp_path) for passes in ("fuse-scale", "fuse-mask-softmax", "fuse-attention"))
    flops = {contract.evaluate(report["ledgers"]["graph"]["flops"], binding) for report in (before, scale, core, attention)}
    assert len(flops) == 1
    b, n = binding["B"], binding["N"]
    scores = SIZE * HEADS * b * n * n  # bytes of one layer's
    # The unscaled scores are neither written nor read.
    assert bytes_at(before, binding) - bytes_at(scale, binding) == LAYERS * 2 * scores
    # Scaled and masked ones: between scale, mask and softmax.
    assert bytes_at(before, binding) - bytes_at(core, binding) == LAYERS * 4 * scores
    # Product, scale, mask, softmax, product: four times written and read.
    assert bytes_at(before, binding) - bytes_at(attention, binding) == LAYERS * 8 * scores
    # Left: Q, K, V read and the result written, and the mask of B sequences, in the scores' type, read by each layer.
    # Its making (20BN + N² + 4BN² bytes: the causal mask and the padding's, joined and turned into numbers) is once.
    left = bytes_at(attention, binding, {"qk", "scale", "mask", "softmax", "av"})
    assert left == LAYERS * (SIZE * 4 * b * n * D + SIZE * b * n * n) + 20 * b * n + n * n + 4 * b * n * n


def test_share_of_time_on_a_t4(tmp_path):
    """By hand, at B = 1 and N = 1024: each kernel takes the larger of its times (C19)."""
    n, matrix, vector, bandwidth = 1024, 65e12, 8.1e12, 300e9
    scores, operand, mask = HEADS * n * n, n * D, n * n  # elements
    seconds = lambda products, others, elements: max(2 * products / matrix + others / vector, SIZE * elements / bandwidth)
    unfused = LAYERS * (
        seconds(D * n * n, 0, 2 * operand + scores)  # Q·Kᵀ
        + seconds(0, scores, 2 * scores)  # scale
        + seconds(0, scores, 2 * scores + mask)  # mask
        + seconds(0, 3 * scores, 2 * scores)  # softmax
        + seconds(D * n * n, 0, scores + 2 * operand))
    fused = LAYERS * seconds(2 * D * n * n, 5 * scores, 4 * operand + mask)
    options = ("--gpu=t4", "--at=B=1,N=1024", "--estimate=per-op")
    before = contract.analyze(GPT2_XL, "--ledger=graph", *options)["points"][0]["time_s"]
    later = after("fuse-attention", tmp_path, *options)["points"][0]["time_s"]
    assert before - later == pytest.approx(unfused - fused, rel=1e-9)
    assert unfused / before > 5 * fused / later
