"""fuse-rotary, and RotaryEmbedding where --lower-fused makes one of it: the same results, and kernels that stay where it would compute something else."""

import contract
import numpy as np
import onnx
import pytest
from export_check import run_tokens, xf_opt
from test_lowering import TARGETS, check, lowered, made

# Angles of positions: [B, N, 4], doubled to the head's width of 8.
HALVES = "both = Concat <axis = -1> (angles, angles)"
IN_TURN = "a4 = Unsqueeze (angles, last)  a44 = Concat <axis = -1> (a4, a4)  both = Reshape (a44, keep)"
COSINES = "c3 = Cos (both)  s3 = Sin (both)  c = Unsqueeze (c3, {axis})  s = Unsqueeze (s3, {axis})  "
FIRST, SECOND = "a = Slice (x, zero, half, last)", "b = Slice (x, half, width, last)"
TURN = f"{FIRST}  {SECOND}  nb = Neg (b)  t = Concat <axis = -1> (nb, a)  "
SUM = "xc = Mul (x, c)  ts = Mul (t, s)  y = Add (xc, ts)"
EVERY_OTHER = "a = Slice (x, zero, width, last, two)  b = Slice (x, one, width, last, two)  "
PAIRS = EVERY_OTHER + "nb = Neg (b)  n5 = Unsqueeze (nb, last)  a5 = Unsqueeze (a, last)  t5 = Concat <axis = -1> (n5, a5)  t = Reshape (t5, shape)  "
BY_PAIRS = "ac = Mul (a, c)  bs = Mul (b, s)  bc = Mul (c, b)  as_ = Mul (s, a)  d = Sub (ac, bs)  e = Add (as_, bc)  "


def rotation(body, x="B,3,N,8", angles="B,N,4", kind="float", more=""):
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 18]>
    g ({kind}[{x}] x, {kind}[{angles}] angles, {kind}[B,N,8] given) => ({kind}[{x}] y{more})
    <int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}}, int64[1] three = {{3}}, int64[1] half = {{4}}, int64[1] width = {{8}}, int64[1] last = {{-1}},
     int64[1] first = {{1}}, int64[3] keep = {{0,0,8}}, int64[4] shape = {{0,0,0,8}}, int64[4] heads = {{0,0,3,8}}>
    {{ {body} }}""")
    used = {name for node in model.graph.node for name in node.input}
    for given in [given for given in model.graph.input if given.name not in used]:
        model.graph.input.remove(given)
    return model


ROTATES = {
    "halves": HALVES + "  " + COSINES.format(axis="first") + TURN + SUM,
    "halves of a split": HALVES + "  " + COSINES.format(axis="first") + "a, b = Split <axis = -1, num_outputs = 2> (x)  nb = Neg (b)  t = Concat <axis = -1> (nb, a)  " + SUM,
    "the other way round": HALVES + "  " + COSINES.format(axis="first") + TURN + "xc = Mul (c, x)  ts = Mul (s, t)  y = Add (ts, xc)",
    "neighbours": IN_TURN + "  " + COSINES.format(axis="first") + PAIRS + SUM,
    "neighbours, expanded": IN_TURN.replace("a44 = Concat <axis = -1> (a4, a4)", "times = Constant <value_ints = [1, 1, 1, 2]> ()  a44 = Expand (a4, times)")
                            + "  " + COSINES.format(axis="first") + PAIRS + SUM,
    "a cosine a pair": "both = Identity (angles)  " + COSINES.format(axis="first") + FIRST + "  " + SECOND + "  " + BY_PAIRS + "y = Concat <axis = -1> (d, e)",
    "a cosine a pair of neighbours": "both = Identity (angles)  " + COSINES.format(axis="first") + EVERY_OTHER + BY_PAIRS
                                     + "d5 = Unsqueeze (d, last)  e5 = Unsqueeze (e, last)  y5 = Concat <axis = -1> (d5, e5)  y = Reshape (y5, shape)",
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("angles", ["B,N,4", "1,N,4"])
@pytest.mark.parametrize("case", ROTATES)
def test_rotates(case, angles, target, tmp_path):
    found, said = check(rotation(ROTATES[case], angles=angles), "fuse-rotary", target, tmp_path, "RotaryEmbedding")
    assert len(found) == 1, said
    assert [attribute.i for attribute in found[0].attribute if attribute.name == "interleaved"] == [int("neighbours" in case)]


@pytest.mark.parametrize("target", TARGETS)
def test_heads_behind_positions(target, tmp_path):
    body = HALVES + "  " + COSINES.format(axis="two") + TURN + SUM
    found, said = check(rotation(body, x="B,N,3,8"), "fuse-rotary", target, tmp_path, "RotaryEmbedding")
    assert len(found) == 1, said


@pytest.mark.parametrize("target", TARGETS)
def test_angles_without_sequences(target, tmp_path):
    """[N, 4], broadcast over sequences and heads."""
    body = "both = Concat <axis = -1> (angles, angles)  c = Cos (both)  s = Sin (both)  " + TURN + SUM
    found, said = check(rotation(body, angles="N,4"), "fuse-rotary", target, tmp_path, "RotaryEmbedding")
    assert len(found) == 1, said


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("target", TARGETS)
def test_a_table_of_cosines(same, target, tmp_path):
    """Its halves are compared, number by number."""
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 18]>
    g (float[B,3,N,8] x, int64[B,N] at) => (float[B,3,N,8] y) <int64[1] zero = {{0}}, int64[1] half = {{4}}, int64[1] width = {{8}}, int64[1] last = {{-1}}, int64[1] first = {{1}}>
    {{ c3 = Gather (cosines, at)  s3 = Gather (sines, at)  c = Unsqueeze (c3, first)  s = Unsqueeze (s3, first)  {TURN} {SUM} }}""")
    for name, table in (("cosines", np.cos), ("sines", np.sin)):
        values = np.tile(table(np.outer(np.arange(40), [1, 0.1, 0.01, 0.001])), 2).astype(np.float32)
        values[17, 6] += 0 if same else 0.125
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    found, said = check(model, "fuse-rotary", target, tmp_path, "RotaryEmbedding", runs=False)
    assert len(found) == int(same) and ("same number for both" in said) != same, said


NOT_ONE = {
    "turned the other way": HALVES + "  " + COSINES.format(axis="first") + TURN.replace("Neg (b)", "Neg (a)").replace("(nb, a)", "(nb, b)") + SUM,
    "not turned": HALVES + "  " + COSINES.format(axis="first") + TURN.replace("(nb, a)", "(a, nb)") + SUM,
    "thirds": HALVES + "  " + COSINES.format(axis="first") + TURN.replace("a = Slice (x, zero, half", "a = Slice (x, zero, three").replace("b = Slice (x, half", "b = Slice (x, three") + SUM,
    "taken off": HALVES + "  " + COSINES.format(axis="first") + TURN + SUM.replace("Add", "Sub"),
    "no sign": HALVES + "  " + COSINES.format(axis="first") + TURN.replace("Neg", "Abs") + SUM,
    "turned by its own": HALVES + "  " + COSINES.format(axis="first") + TURN + SUM.replace("Mul (t, s)", "Mul (t, x)").replace("Mul (x, c)", "Mul (c, c)"),
    "a cosine a pair, swapped": "both = Identity (angles)  " + COSINES.format(axis="first") + FIRST + "  " + SECOND + "  "
                                + BY_PAIRS.replace("Mul (a, c)", "Mul (a, s)").replace("Mul (b, s)", "Mul (b, c)") + "y = Concat <axis = -1> (d, e)",
}


@pytest.mark.parametrize("case", NOT_ONE)
def test_is_no_rotation(case, tmp_path):
    onnx.save(rotation(NOT_ONE[case]), tmp_path / "plain.onnx")
    said = xf_opt(tmp_path / "plain.onnx", "--passes=fuse-rotary", "--explain", "-o", tmp_path / "out.onnx")
    assert not onnx.load(tmp_path / "out.onnx").functions, said


def test_an_inner_value_that_is_used(tmp_path):
    body = HALVES + "  " + COSINES.format(axis="first") + TURN + SUM + "  z = Relu (t)"
    onnx.save(rotation(body, more=", float[B,3,N,8] z"), tmp_path / "plain.onnx")
    said = xf_opt(tmp_path / "plain.onnx", "--passes=fuse-rotary", "--explain", "-o", tmp_path / "out.onnx")
    assert "'t' inside it is used by" in said and not onnx.load(tmp_path / "out.onnx").functions


STAYS = {
    "halves that differ": (HALVES.replace("angles, angles", "angles, a2") + "  " + COSINES.format(axis="first") + TURN + SUM, "same number for both"),
    "neighbours by halves": (HALVES + "  " + COSINES.format(axis="first") + PAIRS + SUM, "same number for both"),
    "angles as they are given": ("c = Unsqueeze (given, first)  s = Unsqueeze (given, first)  " + TURN + SUM, "same number for both"),
    "angles a head": (HALVES + "  c = Cos (both)  s = Sin (both)  " + TURN + SUM, "no number for each position"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", STAYS)
def test_the_kernel_stays(case, target, tmp_path):
    body, why = STAYS[case]
    body = body.replace("both =", "a2 = Abs (angles)  both =") if "a2)" in body else body
    model = rotation(body, angles="B,3,N,4" if case == "angles a head" else "B,N,4")
    found, said = check(model, "fuse-rotary", target, tmp_path, "RotaryEmbedding")
    assert not found and why in said, said
    assert [function.name for function in onnx.load(tmp_path / f"{target}.onnx").functions] == ["Rotary"]


@pytest.mark.parametrize("target", TARGETS)
def test_double_stays(target, tmp_path):
    found, said = check(rotation(ROTATES["halves"], kind="double"), "fuse-rotary", target, tmp_path, "RotaryEmbedding")
    assert not found and "not for fp64" in said


@pytest.mark.parametrize("target, attention", [("ort", "GroupQueryAttention"), ("onnx23", "Attention")])
@pytest.mark.parametrize("passes", ["fuse-rotary,fuse-attention", "kv-cache,fuse-rotary,fuse-attention"])
def test_llama(passes, target, attention, tmp_path):
    """Queries and keys of two layers; cosines and sines are cut to the pairs once."""
    model = contract.MODELS / "kv" / "llama_gqa_ts17.onnx"
    out, said = lowered(model, passes, target, tmp_path)
    assert made(said)["RotaryEmbedding"] == 4
    tables = {tuple(node.input[2:] if target == "ort" else node.input[1:]) for node in onnx.load(out).graph.node if node.op_type == "RotaryEmbedding"}
    assert len(tables) == 1
    if "kv-cache" in passes:
        return
    assert made(said)[attention] == 2
    for before, after in zip(run_tokens(model), run_tokens(out), strict=True):
        np.testing.assert_allclose(before, after, rtol=1e-4, atol=1e-5)
    structure = contract.analyze(out)["structure"]
    assert (structure["causal"]["verdict"], structure["position"]) == ("proved", "rotary")


def test_the_kernels_bytes(tmp_path):
    """x, cosines and sines once, and the result: 3 heads of 8 in fp32, and 8 for all of them."""
    onnx.save(rotation("c = Unsqueeze (given, first)  s = Unsqueeze (angles, first)  " + TURN + SUM, angles="B,N,8"), tmp_path / "plain.onnx")
    xf_opt(tmp_path / "plain.onnx", "--passes=fuse-rotary", "-o", tmp_path / "out.onnx")
    before, after = (contract.analyze(tmp_path / f"{name}.onnx", "--ledger=graph")["ledgers"]["graph"] for name in ("plain", "out"))
    at = {"B": 2, "N": 10}
    assert contract.evaluate(after["bytes"], at) == 2 * 4 * (2 * 3 * 10 * 8) + 2 * 4 * (2 * 10 * 8)
    for flops in ("matrix_flops", "flops"):
        assert contract.evaluate(before[flops], at) == contract.evaluate(after[flops], at)
