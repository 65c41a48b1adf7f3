"""--lower-fused: the operators compute what the kernels did, cost what they cost, and are not made where they would not."""

import os
import re
import subprocess
from collections import Counter

import contract
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from export_check import run_tokens, xf_opt
from small_transformers import VOCABULARY, Draw
from test_recall import PAIRS, RECALL, accuracy

COUNT = 500 if os.environ.get("XFA_LONG") else 60
TARGETS = ["ort", "onnx23"]
WITH_WEIGHTS = sorted(contract.MODELS.glob("kv/*.onnx"))
ONNX_RUNTIMES_OWN = ("SimplifiedLayerNormalization", "LayerNormalization")  # in ai.onnx, of every version


def lowered(model, passes, target, scratch):
    """The model after it, and what was said."""
    out = scratch / f"{target}.onnx"
    said = xf_opt(model, f"--passes={passes}", f"--lower-fused={target}", "--verify-each", "--explain", "-o", out)
    return out, [line for line in said.splitlines() if "lower-fused" in line]


def made(said):
    return {words[-1]: int(words[-2]) for words in (line.split() for line in said if ": made " in line)}


def check_same_results(model, passes, target, scratch, vocabulary=97):
    out, said = lowered(model, passes, target, scratch)
    if not any(name in made(said) for name in ONNX_RUNTIMES_OWN):
        onnx.checker.check_model(str(out))
    for before, after in zip(run_tokens(model, vocabulary), run_tokens(out, vocabulary), strict=True):
        np.testing.assert_allclose(before, after, rtol=1e-4, atol=1e-5)
    return made(said)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("passes", ["O1", "O2"])
@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
def test_same_results(model, passes, target, tmp_path):
    check_same_results(model, passes, target, tmp_path)


@pytest.mark.parametrize("passes, target, operators", [
    ("O1", "ort", {"FusedMatMul": 2, "QuickGelu": 2, "SimplifiedLayerNormalization": 1, "SkipSimplifiedLayerNormalization": 4}),
    ("O1", "onnx23", {"RMSNormalization": 5}),
    ("O2", "ort", {"GroupQueryAttention": 2, "RotaryEmbedding": 4, "QuickGelu": 2, "SimplifiedLayerNormalization": 5}),
    ("O2", "onnx23", {"Attention": 2, "RotaryEmbedding": 4, "RMSNormalization": 5}),
], ids=str)
def test_llama(passes, target, operators, tmp_path):
    """The residual before a norm is the norm's in O1, and the product's in O2."""
    assert made(lowered(contract.MODELS / "kv" / "llama_gqa_ts17.onnx", passes, target, tmp_path)[1]) == operators


@pytest.mark.parametrize("target, operator", [("ort", "MultiHeadAttention"), ("onnx23", "Attention")])
def test_all_48_layers(target, operator, tmp_path):
    out, said = lowered(contract.MODELS / "gpt2-xl.onnx", "O2", target, tmp_path)
    assert made(said)[operator] == 48
    again = contract.analyze(out)["structure"]
    assert (again["layers"], again["heads"], again["kv_heads"], again["causal"]["verdict"]) == (48, 25, 25, "proved")


@pytest.mark.parametrize("target", TARGETS)
def test_groups_share_heads(target, tmp_path):
    """The operators read the keys' own heads."""
    out, _ = lowered(contract.MODELS / "kv" / "llama_gqa_ts17.onnx", "O2", target, tmp_path)
    expanded = [node for node in onnx.load(out).graph.node if node.op_type == "Expand" and "self_attn" in node.name]
    assert not expanded
    assert contract.analyze(out)["structure"]["kv_heads"] == 2


@pytest.mark.parametrize("seed", range(COUNT))
def test_drawn(seed, tmp_path):
    draw = Draw(2000 + seed)
    model = tmp_path / "drawn.onnx"
    onnx.save(draw.model(), model)
    # Of two masks one has to be the causal one: slopes are beside it, the mask of padding could hide all.
    fits = draw.padding == "none" and draw.mask != "arithmetic"
    for target, operator in (("ort", "MultiHeadAttention"), ("onnx23", "Attention")):
        check_same_results(model, "O1", target, tmp_path, VOCABULARY)
        operators = check_same_results(model, "fuse-attention", target, tmp_path, VOCABULARY)
        made_of_it = operators.get(operator, 0) + operators.get("GroupQueryAttention", 0)
        assert made_of_it == (draw.layers if fits else 0), f"{draw}: {operators}"


@pytest.mark.parametrize("target", TARGETS)
def test_recall_is_solved(target, tmp_path):
    out, _ = lowered(RECALL / "recall_2_layers.onnx", "O2", target, tmp_path)
    assert accuracy(out, PAIRS, 1001) >= 0.9


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("passes", ["O1", "O2"])
@pytest.mark.parametrize("name", ["gpt2-xl", "kv/llama_gqa_ts17", "gpt2_nopast_mask_ts17", "distilbert_optimum",
                                  "t5-small_encoder_optimum", "whisper-tiny_encoder_optimum", "plain_block_d1600_fp16_ts17"])
def test_costs_are_the_kernels(name, passes, target, tmp_path):
    """Products and bytes are those of the fused graph, but for masks that are a flag now; vector FLOPs are those of the operators' own bodies (C5)."""
    model, fused = contract.MODELS / f"{name}.onnx", tmp_path / "fused.onnx"
    xf_opt(model, f"--passes={passes}", "-o", fused)
    before = contract.analyze(fused, "--ledger=graph")
    after = contract.analyze(lowered(model, passes, target, tmp_path)[0], "--ledger=graph")["ledgers"]["graph"]
    for n in (1, 48, 1000):
        binding = {symbol["name"]: 3 if symbol["name"] == "B" else n for symbol in before["symbols"]}
        # One of a layer: [B, 1, N, N] in fp32, or folded, [N, N] of a byte each.
        masks = {"kv/llama_gqa_ts17": 2 * 4 * binding["B"] * n * n, "plain_block_d1600_fp16_ts17": n * n}.get(name, 0) if passes == "O2" else 0
        # Four rotations read cosines and sines, [N, 16] in fp32; then one for each pair.
        angles = 4 * 2 * 4 * n * (16 - 8) if (name, passes) == ("kv/llama_gqa_ts17", "O2") else 0
        for figure, less in (("matrix_flops", 0), ("bytes", masks + angles)):
            assert contract.evaluate(before["ledgers"]["graph"][figure], binding) - less == contract.evaluate(after[figure], binding), figure


# Where an operator would compute something else, the kernel stays. An attention that fits, and what is changed in it.
ATTENTION = {
    "type": "float", "scale": "s = Mul (p, c)", "mask": "m = Add (s, bias)", "softmax": "w = Softmax <axis = -1> (m)",
    "after": "y = MatMul (w, v)", "q": "B,4,N,8", "k": "B,4,8,N", "v": "B,4,N,8", "y": "B,4,N,8", "bias": "B,1,N,N", "low": "-1e10"}


def attention(**changes):
    part = {**ATTENTION, **changes}
    text = """<ir_version: 8, opset_import: ["" : 18]>
    g ({type}[{q}] q, {type}[{k}] k, {type}[{v}] v, {type}[{bias}] bias, bool[B,1,N,N] open, {type} given) => ({type}[{y}] y)
    <{type} c = {{{numbers[0]}}}, {type} big = {{{numbers[1]}}}, {type} low = {{{low}}}, {type} zero = {{0}}>
    {{ p = MatMul (q, k)  {scale}  {mask}  {softmax}  {after} }}"""
    numbers = (13312, 18688) if part["type"] == "float16" else (0.25, 10)  # the text has the bits of fp16
    return onnx.parser.parse_model(text.format(numbers=numbers, **part))


def run(model, names=("q", "k", "v", "bias", "open", "given")):
    rng = np.random.default_rng(3)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    sizes, feeds = {"B": 2, "N": 6, "M": 5, "R": 24, "C": 2}, {}
    for given in session.get_inputs():
        shape = [sizes.get(dim, dim) for dim in given.shape]
        values = rng.standard_normal(shape)
        kind = {"tensor(bool)": bool, "tensor(float16)": np.float16, "tensor(double)": np.float64}.get(given.type, np.float32)
        feeds[given.name] = np.asarray(values > -0.5 if kind is bool else values, kind)
    return session.run(None, feeds)


def check(model, passes, target, scratch, operator, runs=True):
    """Whether the operator is there, and what was said; the result is the same either way."""
    path = scratch / "plain.onnx"
    onnx.save(model, path)
    out, said = lowered(path, passes, target, scratch)
    after = onnx.load(out)
    if runs:
        for want, got in zip(run(path), run(out), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-3 if want.dtype == np.float16 else 1e-5, atol=1e-3 if want.dtype == np.float16 else 1e-6)
    domain = "com.microsoft" if target == "ort" and operator not in ONNX_RUNTIMES_OWN else ""
    found = [node for node in after.graph.node if node.op_type == operator and node.domain == domain]
    return found, " ".join(line for line in said if line.startswith("refused"))


FITS = {
    "as it is": {},
    "no mask": {"mask": "m = Identity (s)"},
    "no scale": {"scale": "s = Identity (p)"},
    "divided": {"scale": "s = Div (p, big)"},
    "scaled twice": {"scale": "r = Mul (p, c)  s = Mul (r, c)"},
    "padding only": {"bias": "B,1,1,N"},
    "a mask of rank 2": {"bias": "N,N"},
    "a mask of each head": {"bias": "1,4,N,N"},
    "other keys": {"k": "B,4,8,M", "v": "B,4,M,8", "bias": "B,1,N,M"},
    "values of another width": {"v": "B,4,N,16", "y": "B,4,N,16"},
    "boolean": {"mask": "m = Where (open, s, low)", "low": "-3.4028234e38"},
    "merged heads": {"q": "R,N,8", "k": "R,8,N", "v": "R,N,8", "y": "R,N,8", "bias": "R,N,N"},
    "softmax spelled out": {"softmax": "a = ReduceMax <keepdims = 1> (m, last)  d = Sub (m, a)  e = Exp (d)  t = ReduceSum <keepdims = 1> (e, last)  w = Div (e, t)"},
}


def with_last(model):
    """An operand `last`: the axis of a reduction."""
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1], np.int64), "last"))
    return model


@pytest.mark.parametrize("target, operator", [("ort", "MultiHeadAttention"), ("onnx23", "Attention")])
@pytest.mark.parametrize("case", FITS)
def test_attention_fits(case, target, operator, tmp_path):
    found, said = check(with_last(attention(**FITS[case])), "fuse-attention", target, tmp_path, operator)
    assert len(found) == 1, said
    scale = {"divided": 0.1, "no scale": 1, "scaled twice": 0.0625}.get(case, 0.25)
    assert [attribute.f for attribute in found[0].attribute if attribute.name == "scale"] == [pytest.approx(scale)]


DOES_NOT_FIT = {
    "scale after the mask": ({"scale": "s = Add (p, bias)", "mask": "m = Mul (s, c)"}, "scales after"),
    "scale that is an operand": ({"scale": "s = Mul (p, given)"}, "no form for"),
    "soft cap twice": ({"scale": "a = Tanh (p)  s = Tanh (a)"}, "is no soft cap"),
    "soft cap after the mask": ({"scale": "a = Add (p, bias)  s = Tanh (a)", "mask": "m = Identity (s)"}, "it caps after"),
    "two masks": ({"mask": "n = Add (s, bias)  m = Where (open, n, low)", "low": "-3e38"}, "masked twice"),
    "a small number written": ({"mask": "m = Where (open, s, low)", "low": "-10000"}, "writes -10000"),
    "weighted probabilities": ({"softmax": "u = Softmax <axis = -1> (m)  w = Mul (u, c)"}, "stands something else"),
    "heads broadcast": ({"k": "B,1,8,N"}, "broadcast"),
    "no heads": ({"q": "B,2,2,N,8", "k": "B,2,2,8,N", "v": "B,2,2,N,8", "y": "B,2,2,N,8", "bias": "N,N", "mask": "m = Add (s, bias)"}, "[batch, heads, rows, columns]"),
}


@pytest.mark.parametrize("target, operator", [("ort", "MultiHeadAttention"), ("onnx23", "Attention")])
@pytest.mark.parametrize("case", DOES_NOT_FIT)
def test_attention_does_not_fit(case, target, operator, tmp_path):
    changes, why = DOES_NOT_FIT[case]
    found, said = check(attention(**changes), "fuse-attention", target, tmp_path, operator)
    assert not found and why in said, said


def test_softmax_in_another_type(tmp_path):
    """In fp32 amid fp16: the standard operator has an attribute for it."""
    wide = {"type": "float16", "low": "0", "softmax": "a = Cast <to = 1> (m)  u = Softmax <axis = -1> (a)  w = Cast <to = 10> (u)"}
    found, said = check(attention(**wide), "fuse-attention", "ort", tmp_path, "MultiHeadAttention")
    assert not found and "softmax is in fp32" in said
    found, _ = check(attention(**wide), "fuse-attention", "onnx23", tmp_path, "Attention", runs=False)
    assert [attribute.i for attribute in found[0].attribute if attribute.name == "softmax_precision"] == [1]


def test_double_is_not_for_multi_head(tmp_path):
    found, said = check(attention(type="double"), "fuse-attention", "ort", tmp_path, "MultiHeadAttention")
    assert not found and "not for fp64" in said


SCORES = [("s = Mul (p, c)", 0.25, ""), ("r = Mul (c, p)  s = Div (r, big)", 0.025, ""), ("s = Mul (p, given)", None, "not known when"), ]


@pytest.mark.parametrize("scale, alpha, why", SCORES)
def test_scores(scale, alpha, why, tmp_path):
    found, said = check(attention(scale=scale), "fuse-scale", "ort", tmp_path, "FusedMatMul")
    assert [node.attribute[0].f for node in found] == ([] if alpha is None else [pytest.approx(alpha)]) and why in said
    found, said = check(attention(scale=scale), "fuse-scale", "onnx23", tmp_path, "FusedMatMul")
    assert not found and "no product with a factor" in said


# x² and so on by name; each line is one way to write the activation.
GELU = "a = Mul (x, root)  e = Erf (a)  f = Add (e, one)  g = Mul (x, f)  y = Mul (g, half)"
TANH = "x3 = Pow (x, three)  d = Mul (x3, cubic)  i = Add (x, d)  j = Mul (i, slope)  t = Tanh (j)  f = Add (one, t)  h = Mul (x, half)  y = Mul (h, f)"
ACTIVATIONS = {
    "erf": (GELU, "Gelu", "Gelu"),
    "erf, divided": ("a = Div (x, root2)  e = Erf (a)  f = Add (one, e)  h = Mul (half, x)  y = Mul (f, h)", "Gelu", "Gelu"),
    "erf of a sum": ("x_ = Add (x, b)" + GELU.replace("(x,", "(x_,"), "Gelu", "Gelu"),
    "tanh": (TANH, "FastGelu", "Gelu"),
    "tanh, x·x·x": (TANH.replace("x3 = Pow (x, three)", "x2 = Mul (x, x)  x3 = Mul (x2, x)"), "FastGelu", "Gelu"),
    "tanh of a sum": ("x_ = Add (b, x)  " + TANH.replace("(x,", "(x_,"), "FastGelu", "Gelu"),
    "sigmoid": ("s = Sigmoid (x)  y = Mul (x, s)", "QuickGelu", None),
    "sigmoid, scaled": ("a = Mul (x, alpha)  s = Sigmoid (a)  y = Mul (s, x)", "QuickGelu", None),
    "another slope": (TANH.replace("slope", "half"), None, None),
    "another cubic": (TANH.replace("cubic", "half"), None, None),
    "another root": (GELU.replace("root", "half"), None, None),
    "no half": (GELU.replace("(g, half)", "(g, one)"), None, None),
    "minus one": (GELU.replace("f = Add (e, one)", "f = Sub (e, one)"), None, None),
    "sigmoid of another value": ("s = Sigmoid (w)  y = Mul (x, s)", None, None),
}


@pytest.mark.parametrize("case", ACTIVATIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_activations(case, target, tmp_path):
    body, of_ort, of_onnx = ACTIVATIONS[case]
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 18]>
    g (float[B,N,8] x, float[B,N,8] w, float[8] b) => (float[B,N,8] y)
    <float root = {{0.70710678}}, float root2 = {{1.41421356}}, float one = {{1}}, float half = {{0.5}}, float three = {{3}}, float cubic = {{0.044715}},
     float slope = {{0.79788456}}, float alpha = {{1.702}}>
    {{ {body} }}""")
    expected = of_ort if target == "ort" else of_onnx
    found, said = check(model, "elementwise", target, tmp_path, expected or "nothing")
    assert len(found) == (expected is not None), said
    if expected is None:
        assert "operator for" in said
    if expected == "QuickGelu":
        assert found[0].attribute[0].f == pytest.approx(1.702 if "scaled" in case else 1)
    if target == "onnx23" and expected:
        assert [attribute.s for attribute in found[0].attribute] == [b"tanh" if "tanh" in case else b"none"]


@pytest.mark.parametrize("target, operators", [("ort", ["MatMul", "BiasGelu"]), ("onnx23", ["MatMul", "Add", "Gelu"])])
def test_an_activation_in_a_product(target, operators, tmp_path):
    """No operator holds both, so the kernel stays around the activation's: the bytes are its own."""
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 18]>
    g (float[B,N,4] q) => (float[B,N,8] y)
    <float root = {{0.70710678}}, float one = {{1}}, float half = {{0.5}}, float[8] b = {{1,2,3,4,5,6,7,8}},
     float[4,8] m = {{1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8}}>
    {{ p = MatMul (q, m)  x = Add (p, b)  {GELU} }}""")
    check(model, "fuse-epilogue", target, tmp_path, "Gelu")
    functions = {function.name: [node.op_type for node in function.node] for function in onnx.load(tmp_path / f"{target}.onnx").functions}
    assert list(functions.values()) == [operators] and list(functions)[0].startswith("Product")


LAYER_NORM = """mean = ReduceMean <keepdims = 1> (x, last)  d = Sub (x, mean)  q = Pow (d, two)  var = ReduceMean <keepdims = 1> (q, last)
                e = Add (var, eps)  r = Sqrt (e)  n = Div (d, r)  g = Mul (n, w)  y = Add (g, b)"""
RMS_NORM = """q = Mul (x, x)  var = ReduceMean <keepdims = 1> (q, last)  e = Add (var, eps)  r = Sqrt (e)  i = Reciprocal (r)  n = Mul (x, i)  y = Mul (w, n)"""
RESIDUAL = "x = Add (a, x_)  "
NORMS = {
    "layer norm": (LAYER_NORM, "LayerNormalization", "LayerNormalization"),
    "layer norm without bias": (LAYER_NORM.replace("g = Mul (n, w)  y = Add (g, b)", "y = Mul (n, w)"), "LayerNormalization", "LayerNormalization"),
    "rms norm": (RMS_NORM, "SimplifiedLayerNormalization", "RMSNormalization"),
    "layer norm of a sum": (RESIDUAL + LAYER_NORM, "SkipLayerNormalization", "LayerNormalization in Norm"),
    "rms norm of a sum": (RESIDUAL + RMS_NORM, "SkipSimplifiedLayerNormalization", "RMSNormalization in Norm"),
    "root of the mean, then ε": (RMS_NORM.replace("e = Add (var, eps)  r = Sqrt (e)", "e = Sqrt (var)  r = Add (e, eps)"), None, None),
    "another axis": (RMS_NORM.replace("last", "first"), None, None),
    "a weight of each row": (RMS_NORM.replace("(w, n)", "(row, n)"), None, None),
    "divided by nothing": (RMS_NORM.replace("i = Reciprocal (r)  n = Mul (x, i)", "n = Mul (x, r)"), None, None),
    "no weight": (LAYER_NORM.replace("(n, w)", "(n, two)"), None, None),
    "squares of another value": (RMS_NORM.replace("Mul (x, x)", "Mul (x, z)"), None, None),
    "the mean of another value": (LAYER_NORM.replace("<keepdims = 1> (x, last)", "<keepdims = 1> (z, last)", 1), None, None),
}


@pytest.mark.parametrize("case", NORMS)
@pytest.mark.parametrize("target", TARGETS)
def test_norms(case, target, tmp_path):
    body, of_ort, of_onnx = NORMS[case]
    x = "x_" if body.startswith(RESIDUAL) else "x"
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 18]>
    g (float[B,N,8] {x}, float[B,N,8] a, float[B,N,8] z, float[N,1] row) => (float[B,N,8] y)
    <float eps = {{0.001}}, float two = {{2}}, int64[1] last = {{-1}}, int64[1] first = {{1}}, float[8] w = {{1,2,3,4,5,6,7,8}}, float[8] b = {{1,2,3,4,5,6,7,8}}>
    {{ {body} }}""")
    expected = (of_ort if target == "ort" else of_onnx) or "nothing"
    found, said = check(model, "fuse-norm", target, tmp_path, expected)
    if " in " in expected:  # the sum keeps the kernel: the standard has no operator with it
        functions = {function.name: [node.op_type for node in function.node] for function in onnx.load(tmp_path / f"{target}.onnx").functions}
        assert [(name.split("_")[0], body) for name, body in functions.items()] == [("Norm", ["Add", expected.split()[0]])]
    else:
        assert len(found) == (expected != "nothing"), said
    if found:
        assert [attribute.f for attribute in found[0].attribute if attribute.name == "epsilon"] == [pytest.approx(0.001)]


def test_the_sum_is_given_where_it_is_read(tmp_path):
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 18]>
    g (float[B,N,8] a, float[B,N,8] b) => (float[B,N,8] y, float[B,N,8] z) <float[8] w = {1,2,3,4,5,6,7,8}, float two = {2}>
    { x = Add (a, b)  y = LayerNormalization (x, w)  z = Mul (x, two) }""")
    found, _ = check(model, "fuse-norm", "ort", tmp_path, "SkipLayerNormalization")
    assert [bool(name) for name in found[0].output] == [True, False, False, True]


# Operators that changed between the model's version and 23.
@pytest.mark.parametrize("node, why", [
    ("z = ReduceMean <axes = [1]> (a)", ""), ("z = ReduceMax (a)", ""), ("z, r = Split <axis = 1> (a)", ""),
    ("z = ReduceSum (a, one)", ""), ("z = GridSample <mode = \"bilinear\"> (image, grid)", "GridSample) is another operator from 20 on")])
def test_raising_the_operator_set(node, why, tmp_path):
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
    g (float[B,8,8] a, float[1,2,8,8] image, float[1,4,4,2] grid) => (float[B,8,8] y, float[] z)
    <float[8] w = {{1,2,3,4,5,6,7,8}}, float eps = {{0.001}}, int64[1] one = {{1}}>
    {{ q = Mul (a, a)  v = ReduceMean <axes = [-1]> (q)  e = Add (v, eps)  r_ = Sqrt (e)  n = Div (a, r_)  y = Mul (n, w)  {node} }}""")
    model.graph.output[1].type.tensor_type.ClearField("shape")
    found, said = check(model, "fuse-norm", "onnx23", tmp_path, "RMSNormalization")
    version = onnx.load(tmp_path / "onnx23.onnx").opset_import[0].version
    assert (len(found), version) == ((0, 17) if why else (1, 23)) and why in said


def test_no_change_is_forgotten():
    """Operators whose operands, results or attributes changed from 13 to 23 otherwise than by new ones that may be left out."""
    known = set(re.findall(r"\{OpKind::(\w+), ", (contract.ROOT / "lib" / "Transform" / "OpsetRaise.cpp").read_text()))
    by_name = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "" and schema.since_version <= 23 and not schema.deprecated:
            by_name.setdefault(schema.name, []).append(schema)

    def may_be_left_out(attribute):
        return not attribute.required

    def changed(old, new):
        attributes = {name: str(attribute.default_value) for name, attribute in old.attributes.items()}
        same = all(name in new.attributes and str(new.attributes[name].default_value) == default for name, default in attributes.items())
        fewer = all(name in attributes or may_be_left_out(attribute) for name, attribute in new.attributes.items())
        operands = all(i < len(new.inputs) and new.inputs[i].option == each.option for i, each in enumerate(old.inputs))
        return not (same and fewer and operands and len(old.outputs) == len(new.outputs))

    found = set()
    for name, schemas in by_name.items():
        schemas.sort(key=lambda schema: schema.since_version)
        for old, new in zip(schemas, schemas[1:]):
            if new.since_version > 13 and changed(old, new):
                found.add(name)
    # An operand that may be left out now; a scalar instead of a tensor.
    assert found - known == {"OptionalHasElement"}, Counter(found - known)


def test_a_function_of_the_file_keeps_its_version(tmp_path):
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17, "f" : 1]>
    g (float[B,8,8] a) => (float[B,8,8] y) <float[8] w = {1,2,3,4,5,6,7,8}, float eps = {0.001}>
    { q = Mul (a, a)  v = ReduceMean <axes = [-1]> (q)  e = Add (v, eps)  r = Sqrt (e)  n = Div (a, r)  z = Mul (n, w)  y = f.twice (z) }
    <domain: "f", opset_import: ["" : 17]> twice (x) => (y) { y = Add (x, x) }""")
    found, said = check(model, "fuse-norm", "onnx23", tmp_path, "RMSNormalization")
    assert not found and "'twice', a function of the file" in said
    found, said = check(model, "unfuse,fuse-norm", "onnx23", tmp_path, "RMSNormalization")
    assert len(found) == 1


@pytest.mark.parametrize("target", TARGETS)
def test_in_two_goes(target, tmp_path):
    """Kernels that a file brings are lowered like those that were made just now."""
    model, fused = contract.MODELS / "kv" / "llama_gqa_ts17.onnx", tmp_path / "fused.onnx"
    xf_opt(model, "--passes=fuse-attention,fuse-norm", "-o", fused)
    at_once = made(lowered(model, "fuse-attention,fuse-norm", target, tmp_path)[1])
    out, said = lowered(fused, "dce", target, tmp_path)
    assert made(said) == at_once and sum(at_once.values()) == 7
    for before, after in zip(run_tokens(model), run_tokens(out), strict=True):
        np.testing.assert_allclose(before, after, rtol=1e-4, atol=1e-5)


def test_kernels_of_the_file_that_stay_keep_their_version(tmp_path):
    fused = tmp_path / "fused.onnx"
    xf_opt(contract.MODELS / "kv" / "llama_gqa_ts17.onnx", "--passes=O2", "-o", fused)
    _, said = lowered(fused, "dce", "onnx23", tmp_path)
    assert not made(said) and "a function of the file, is written for an earlier one (unfuse)" in " ".join(said)


def test_no_target():
    done = subprocess.run([contract.BIN / "xf-opt", WITH_WEIGHTS[0], "--lower-fused=tensorrt"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "error: --lower-fused=tensorrt: expected ort, onnx23 or none\n")


@pytest.mark.parametrize("shape,operator", [("B,N,8", "SkipSimplifiedLayerNormalization"), ("B,4,N,8", None)])
def test_no_function_holds_what_crashes_onnx_runtime(shape, operator, tmp_path):
    """SimplifiedLayerNormalization inside a model-local function, as where the kernel adds a residual that no operator takes."""
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
    g (float[{shape}] a, float[{shape}] b) => (float[{shape}] y, float[{shape}] s) <float[8] w = {{1, 2, 3, 4, 5, 6, 7, 8}}, float two = {{2}}, float small = {{0.001}}> {{
      s = Add (a, b)  p = Pow (s, two)  m = ReduceMean <axes = [-1]> (p)  e = Add (m, small)  r = Sqrt (e)  d = Div (s, r)  y = Mul (d, w) }}""")
    path, out = tmp_path / "model.onnx", tmp_path / "out.onnx"
    onnx.save(model, path)
    xf_opt(path, "--passes=fuse-norm", "--lower-fused=ort", "--verify-each", "-o", out)
    after = onnx.load(out)
    assert all(node.op_type != "SimplifiedLayerNormalization" for function in after.functions for node in function.node)
    assert (operator in {node.op_type for node in after.graph.node}) if operator else after.functions
    ort.InferenceSession(str(out))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("model", WITH_WEIGHTS, ids=lambda path: path.stem)
def test_the_textbook_counts_the_same(model, target, tmp_path):
    """A scale that has become the product's alpha is one still."""
    out, _ = lowered(model, "O1", target, tmp_path)
    before, after = (contract.analyze(path)["ledgers"]["textbook"] for path in (model, out))
    for n in (1, 7):
        assert len({contract.evaluate(ledger["flops"], {"B": 3, "N": n}) for ledger in (before, after)}) == 1
