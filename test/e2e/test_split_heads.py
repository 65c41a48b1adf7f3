"""split-qkv where queries, keys and values take turns in the width: for each head, or for each group of heads."""

import contract
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from export_check import xf_opt

HEADS, D, HIDDEN = 4, 8, 16
# How the width of [B, N, W] is taken apart, and q, k, v [B, heads, N, d] picked from it. KV heads are repeated by broadcasting.
LAYOUTS = {
    # GPT-NeoX: [heads, 3·d], slices of the last axis
    "slices of each head": (HEADS * 3 * D, "axes = Concat <axis = 0> (rows, four, x24)  r = Reshape (b, axes)  qs = Slice (r, zero, x8, x3)  ks = Slice (r, x8, x16, x3)  "
                                           "vs = Slice (r, x16, x24, x3)"),
    # BLOOM: [heads, 3, d]
    "one of three in each head": (HEADS * 3 * D, "axes = Concat <axis = 0> (rows, four, x3, x8)  r = Reshape (b, axes)  qs = Gather <axis = 3> (r, i0)  ks = Gather <axis = 3> (r, i1)  "
                                                 "vs = Gather <axis = -2> (r, i_1)"),
    # torch's MultiheadAttention: [3, heads·d], the axis moved to the front
    "one of three, moved": (HEADS * 3 * D, "axes = Concat <axis = 0> (rows, x3, x32)  r = Reshape (b, axes)  u = Unsqueeze (r, zero)  m = Transpose <perm = [3, 1, 2, 0, 4]> (u)  "
                                           "n = Squeeze (m, x3)  q3 = Gather (n, i0)  k3 = Gather (n, i1)  v3 = Gather (n, i2)  heads = Concat <axis = 0> (rows, four, x8)  "
                                           "qs = Reshape (q3, heads)  ks = Reshape (k3, heads)  vs = Reshape (v3, heads)"),
    # Falcon: [groups, heads + 2, d]
    "groups": (2 * 4 * D, "axes = Concat <axis = 0> (rows, x2, four, x8)  r = Reshape (b, axes)  qg = Slice (r, zero, x2, x3)  t = Transpose <perm = [3, 0, 1, 2, 4]> (r)  "
                          "kt = GatherND (t, at2)  vt = GatherND (t, at3)  kg = Transpose <perm = [1, 2, 3, 0, 4]> (kt)  vg = Transpose <perm = [1, 2, 3, 0, 4]> (vt)  "
                          "heads = Concat <axis = 0> (rows, four, x8)  twice = Concat <axis = 0> (rows, x2, x2, x8)  kx = Expand (kg, twice)  vx = Expand (vg, twice)  "
                          "qs = Reshape (qg, heads)  ks = Reshape (kx, heads)  vs = Reshape (vx, heads)"),
    "parts of a split": (HEADS * 3 * D, "axes = Concat <axis = 0> (rows, four, x24)  r = Reshape (b, axes)  qs, ks, vs = Split <axis = -1, num_outputs = 3> (r)"),
}
# Read and written again: [2, 10, 4, 8] three times; keys and values of two groups.
COPIED = {"one of three in each head": 3 * 2 * (2 * 10 * 32 * 4), "one of three, moved": 3 * 2 * (2 * 10 * 32 * 4), "groups": 2 * 2 * (2 * 10 * 16 * 4)}
CORE = """qt = Transpose <perm = [0, 2, 1, 3]> (qs)  kt_ = Transpose <perm = [0, 2, 3, 1]> (ks)  vt_ = Transpose <perm = [0, 2, 1, 3]> (vs)
    s = MatMul (qt, kt_)  c = Mul (s, scale)  w_ = Softmax <axis = -1> (c)  y = MatMul (w_, vt_)"""
PRODUCTS = {"MatMul and Add": "p = MatMul (x, w)  b = Add (bias, p)", "MatMul alone": "b = MatMul (x, w)",
            "Gemm": "flat = Reshape (x, to2)  g_ = Gemm <transB = 1> (flat, wt, bias)  whole = Concat <axis = 0> (rows, wide)  b = Reshape (g_, whole)"}


def packed(layout, product="MatMul and Add", shape_of="b", more=""):
    width, cut = LAYOUTS[layout] if layout in LAYOUTS else (HEADS * 3 * D, layout)
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 18]>
    g (float[B,N,{HIDDEN}] x) => (float[B,{HEADS},N,{D}] y{more})
    <float scale = {{0.35}}, int64[1] zero = {{0}}, int64[1] x2 = {{2}}, int64[1] x3 = {{3}}, int64[1] four = {{4}}, int64[1] x8 = {{8}}, int64[1] x16 = {{16}}, int64[1] x24 = {{24}},
     int64[1] x32 = {{32}}, int64[1] wide = {{{width}}}, int64 i0 = {{0}}, int64 i1 = {{1}}, int64 i2 = {{2}}, int64 i_1 = {{-1}}, int64[1,1] at2 = {{2}}, int64[1,1] at3 = {{-1}},
     int64[2] to2 = {{-1,{HIDDEN}}}>
    {{ shape = Shape ({shape_of})  rows = Slice (shape, zero, x2)  {PRODUCTS[product]}  {cut}  {CORE} }}""")
    left, have = list(model.graph.node), {"x", "w", "wt", "bias", *(value.name for value in model.graph.initializer)}
    del model.graph.node[:]
    while left:  # the shape may be that of the product
        node = next(each for each in left if set(each.input) <= have)
        left.remove(node)
        have |= set(node.output)
        model.graph.node.append(node)
    rng = np.random.default_rng(5)
    weight = rng.standard_normal((HIDDEN, width)).astype(np.float32)
    for name, values in (("w", weight), ("wt", weight.T.copy()), ("bias", rng.standard_normal(width).astype(np.float32))):
        if any(name in node.input for node in model.graph.node):
            model.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    return model


def outputs(path):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    x = np.random.default_rng(7).standard_normal((2, 5, HIDDEN)).astype(np.float32)
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"]).run(None, {"x": x})


def after(model, passes, scratch):
    onnx.save(model, scratch / "plain.onnx")
    said = xf_opt(scratch / "plain.onnx", f"--passes={passes}", "--verify-each", "--explain", "-o", scratch / "out.onnx")
    for want, got in zip(outputs(scratch / "plain.onnx"), outputs(scratch / "out.onnx"), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    return said


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_splits(layout, product, tmp_path):
    """Three products for one, each with its columns; together they read each weight once, and X once each. What a Gather picks it copies: no more."""
    said = after(packed(layout, product, shape_of="x" if product == "Gemm" else "b"), "split-qkv", tmp_path)
    assert "split-qkv: fired 1 time" in said
    before, now = (contract.analyze(tmp_path / f"{name}.onnx", "--ledger=graph") for name in ("plain", "out"))
    at = {"B": 2, "N": 10}
    evaluate = lambda report, figure: contract.evaluate(report["ledgers"]["graph"][figure], at)
    assert evaluate(now, "flops") == evaluate(before, "flops")
    assert evaluate(now, "bytes") == evaluate(before, "bytes") + 2 * (2 * 10 * HIDDEN * 4) - COPIED.get(layout, 0)
    onnx.checker.check_model(str(tmp_path / "out.onnx"), full_check=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_packs_again(layout, tmp_path):
    """Three products are what pack-qkv makes one kernel of: X is read once, as it was."""
    said = after(packed(layout), "split-qkv,pack-qkv", tmp_path)
    assert "pack-qkv: fired 1 time" in said
    before, now = (contract.analyze(tmp_path / f"{name}.onnx", "--ledger=graph") for name in ("plain", "out"))
    for figure, less in (("flops", 0), ("bytes", COPIED.get(layout, 0))):
        assert contract.evaluate(now["ledgers"]["graph"][figure], {"B": 2, "N": 10}) == contract.evaluate(before["ledgers"]["graph"][figure], {"B": 2, "N": 10}) - less


@pytest.mark.parametrize("reads, rank", [("z = Shape (r)", 4), ("f = Transpose <perm = [0, 2, 3, 1]> (r)  z = Shape (f)", 4)])
def test_its_shape_is_read(reads, rank, tmp_path):
    """That of all heads, behind views, without the product that it was of."""
    said = after(packed(LAYOUTS["slices of each head"][1] + "  " + reads, more=f", int64[{rank}] z"), "split-qkv", tmp_path)
    assert "split-qkv: fired 1 time" in said


NEOX = LAYOUTS["slices of each head"][1]
STAYS = {
    "something left out": (NEOX.replace("(rows, four, x24)", "(rows, x3, x32)"), "leave something out or overlap"),
    "overlap": (NEOX.replace("Slice (r, x8, x16, x3)", "Slice (r, zero, x8, x3)").replace("Slice (r, x16, x24, x3)", "Slice (r, x8, x16, x3)"), "leave something out or overlap"),
    "two axes": ("axes = Concat <axis = 0> (rows, four, x3, x8)  r = Reshape (b, axes)  qs = Gather <axis = 3> (r, i0)  ks = Gather <axis = 3> (r, i1)  h = Slice (r, zero, four, x2)  "
                 "vs = Gather <axis = 3> (h, i2)", "picks no part of its width|not along one axis"),
    "another reader": (NEOX + "  z = Relu (r)", "picks no part of its width"),
    "a part of its shape is read": (NEOX + "  z = Shape <end = 2> (r)", "picks no part of its width"),
}


@pytest.mark.parametrize("case", STAYS)
def test_stays(case, tmp_path):
    cut, why = STAYS[case]
    more = {"another reader": f", float[B,N,{HEADS},{3 * D}] z", "a part of its shape is read": ", int64[2] z"}.get(case, "")
    model = packed(cut, more=more)
    if case == "something left out":  # three heads of 32, of which 24 are used
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3
    said = after(model, "split-qkv", tmp_path)
    assert "fired" not in said and any(part in said for part in why.split("|")), said
