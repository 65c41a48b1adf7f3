"""What a block is called: encoder or decoder where causality is not proved (whether the mask could hide from one row what
another sees), the scheme of positions (what is added to the scores, or multiplies queries and keys), the activation."""

import re

import contract
import onnx
import pytest

BLOCK = """
<ir_version: 8, opset_import: ["" : 17]>
block (float[B,N,32] x, int64[B,N] attention_mask, float[32,32] wq, float[32,32] wk,
       float[32,32] wv, float[32,32] wo, float[32,128] w1, float[128,32] w2) => (float[B,N,32] y)
<float[4,1,1] slope = {0.5, 0.25, 0.125, 0.0625}, float[4,1,8] gain = {GAIN}, float[1,4,8,8] window = {WINDOW},
 float[8] frequency = {1, 0.3, 0.1, 0.03, 1, 0.3, 0.1, 0.03}, float[2,4] learned = {1, 2, 3, 4, 5, 6, 7, 8},
 int64[4] heads = {0, 0, 4, 8}, int64[3] flat = {0, 0, 32}, int64[1] a0 = {0}, int64[1] a1 = {1}, int64[1] last = {-1},
 int64[2] a12 = {1, 2}, int64 zero = {0}, int64 one = {1}, float low = {-10000}, float nothing = {0}, float scale = {2.83}>
{
  q = MatMul (x, wq)  k = MatMul (x, wk)  v = MatMul (x, wv)
  q4 = Reshape (q, heads)  k4 = Reshape (k, heads)  v4 = Reshape (v, heads)
  qh = Transpose <perm = [0, 2, 1, 3]> (q4)  kh = Transpose <perm = [0, 2, 3, 1]> (k4)
  vh = Transpose <perm = [0, 2, 1, 3]> (v4)
  raw = MatMul (qh, kh)  scores = Div (raw, scale)
  shape = Shape (scores)  ids = Shape (attention_mask)  n = Gather (ids, one)
  places = Range (zero, n, one)
  row0 = Unsqueeze (places, a1)  column0 = Unsqueeze (places, a0)
  padding = Unsqueeze (attention_mask, a12)  open = Cast <to = 9> (padding)
  MASK
  p = Softmax (masked)
  mixed = MatMul (p, vh)  back = Transpose <perm = [0, 2, 1, 3]> (mixed)  merged = Reshape (back, flat)
  out = MatMul (merged, wo)  h = Add (x, out)
  up = MatMul (h, w1)  act = Relu (up)  down = MatMul (act, w2)  y = Add (h, down)
}
"""

MASKS = {
    "padding": ("encoder", "gap = Where (open, nothing, low)  masked = Add (scores, gap)"),
    "padding, expanded": ("encoder", "wide = Expand (open, shape)  masked = Where (wide, scores, low)"),
    "padding and rows that all are there": (
        "encoder", "there = GreaterOrEqual (row0, zero)  both = And (there, open)  masked = Where (both, scores, low)"),
    "learned by distance": (
        "encoder", "far = Sub (row0, column0)  abs = Abs (far)  bucket = Min (abs, one)  bias = Gather (learned, bucket)"
                   "  bias3 = Transpose <perm = [2, 0, 1]> (bias)  with = Add (scores, bias3)"
                   "  gap = Where (open, nothing, low)  masked = Add (with, gap)"),
    "open or not, in a table": (
        "decoder", "seen = LessOrEqual (column0, row0)  which = Cast <to = 7> (seen)  hide = Constant <value = float[2] {-10000, 0}> ()"
                   "  gap = Gather (hide, which)  masked = Add (scores, gap)"),
    "rows before columns": ("decoder", "seen = LessOrEqual (column0, row0)  masked = Where (seen, scores, low)"),
}


@pytest.mark.parametrize("name", MASKS)
def test_kind(name, tmp_path):
    kind, spelling = MASKS[name]
    structure = structure_of(BLOCK.replace("MASK", spelling), tmp_path)
    assert (structure["kind"], structure["layers"], structure["heads"]) == (kind, 1, 4)


def structure_of(text, tmp_path):
    numbers = {"GAIN": 32, "WINDOW": 256}
    for name, count in numbers.items():
        text = text.replace("{" + name + "}", "{" + ", ".join(f"{1 + i % 7}" for i in range(count)) + "}")
    model = tmp_path / "block.onnx"
    onnx.save(onnx.parser.parse_model(text), model)
    return contract.analyze(model)["structure"]


CAUSAL = "seen = LessOrEqual (column0, row0)  masked = Where (seen, with, low)"
HEADS = "kh = Transpose <perm = [0, 2, 3, 1]> (k4)"
POSITIONS = {
    "none": ("none", "with = Identity (scores)  " + CAUSAL, HEADS),
    "a slope for each head, times the distance": (
        "alibi", "far = Sub (column0, row0)  steps = Cast <to = 1> (far)  bias = Mul (slope, steps)"
                 "  with = Add (scores, bias)  " + CAUSAL, HEADS),
    "a slope for each head, times the column": (
        "alibi", "steps = Cast <to = 1> (column0)  bias = Mul (steps, slope)  with = Add (bias, scores)  " + CAUSAL, HEADS),
    "a slope for each head, tiled": (
        "alibi", "steps = Cast <to = 1> (column0)  bias = Mul (steps, slope)  once = Constant <value = int64[3] {1, 1, 1}> ()"
                 "  tiled = Tile (bias, once)  with = Add (tiled, scores)  " + CAUSAL, HEADS),
    "learned by distance, looked up in a copy": (
        "relative", "far = Sub (row0, column0)  abs = Abs (far)  bucket = Min (abs, one)  both = Concat <axis = 0> (learned, learned)"
                    "  bias = Gather (both, bucket)  bias3 = Transpose <perm = [2, 0, 1]> (bias)  with = Add (scores, bias3)  " + CAUSAL,
        HEADS),
    "learned by distance": (
        "relative", "far = Sub (row0, column0)  abs = Abs (far)  bucket = Min (abs, one)  bias = Gather (learned, bucket)"
                    "  bias3 = Transpose <perm = [2, 0, 1]> (bias)  with = Add (scores, bias3)  " + CAUSAL, HEADS),
    "angles on the keys": (
        "rotary", "with = Identity (scores)  " + CAUSAL,
        "kt = Transpose <perm = [0, 2, 1, 3]> (k4)  at = Cast <to = 1> (places_)  across = Unsqueeze (at, last)"
        "  angle = Mul (across, frequency)  cosine = Cos (angle)  turned = Mul (kt, cosine)"
        "  kh = Transpose <perm = [0, 1, 3, 2]> (turned)"),
    "a gain for each head on the keys": (
        "none", "with = Identity (scores)  " + CAUSAL,
        "kt = Transpose <perm = [0, 2, 1, 3]> (k4)  gained = Mul (kt, gain)  kh = Transpose <perm = [0, 1, 3, 2]> (gained)"),
    "ones on the keys": (
        "none", "with = Identity (scores)  " + CAUSAL,
        "kt = Transpose <perm = [0, 2, 1, 3]> (k4)  size = Shape (kt)  ones = ConstantOfShape <value = float[1] {1}> (size)"
        "  same = Mul (kt, ones)  kh = Transpose <perm = [0, 1, 3, 2]> (same)"),
}


@pytest.mark.parametrize("name", POSITIONS)
def test_positions(name, tmp_path):
    scheme, spelling, keys = POSITIONS[name]
    text = BLOCK.replace("MASK", spelling).replace(HEADS, keys)
    text = text.replace("  qh =", "  ids_ = Shape (x)  n_ = Gather (ids_, one)  places_ = Range (zero, n_, one)\n  qh =")
    structure = structure_of(text, tmp_path)
    assert (structure["position"], structure["kind"], structure["heads"]) == (scheme, "decoder", 4)


def test_bias_of_a_window_is_an_encoders(tmp_path):
    """A number for each head, row and column, as Swin keeps them, is learned and hides nothing."""
    text = BLOCK.replace("[B,N,32]", "[B,8,32]").replace("[B,N]", "[B,8]")
    structure = structure_of(text.replace("MASK", "masked = Add (scores, window)"), tmp_path)
    assert (structure["position"], structure["kind"]) == ("relative", "encoder")


def test_bias_looked_up_in_a_resized_table_is_an_encoders(tmp_path):
    """BEiT: one index after the other, so that no axis of the bias is one of the table's."""
    text = BLOCK.replace("[B,N,32]", "[B,8,32]").replace("[B,N]", "[B,8]").replace("MASK", """
  far = Sub (row0, column0)  abs = Abs (far)  bucket = Min (abs, one)  all = Reshape (bucket, last)
  ratio = Constant <value = float[2] {2, 1}> ()  square = Constant <value = int64[3] {8, 8, 4}> ()
  grown = Resize <mode = "linear"> (learned, , ratio)  each = Gather (grown, all)  bias = Reshape (each, square)
  bias3 = Transpose <perm = [2, 0, 1]> (bias)  masked = Add (scores, bias3)""")
    structure = structure_of(text, tmp_path)
    assert (structure["position"], structure["kind"]) == ("relative", "encoder")


def test_keys_of_a_shorter_copy_are_the_streams_own(tmp_path):
    """SegFormer: keys and values see pairs of positions as one; no other stream is attended to."""
    text = BLOCK.replace("[B,N,32]", "[B,8,32]").replace("MASK", "masked = Identity (scores)")
    text = text.replace("k = MatMul (x, wk)  v = MatMul (x, wv)", "k = MatMul (short, wk)  v = MatMul (short, wv)")
    text = text.replace("{\n  q =", "{\n  two = Constant <value = int64[4] {0, 4, 2, 32}> ()  pairs = Reshape (x, two)"
                        "  short = ReduceMean <axes = [2], keepdims = 0> (pairs)\n  q =")
    structure = structure_of(text, tmp_path)
    assert (structure["kind"], structure["layers"], structure["missing"]) == ("encoder", 1, [])


@pytest.mark.parametrize("kinds", [False, True])
def test_vocabulary_is_the_token_tables(kinds, tmp_path):
    """RoBERTa: where tokens stand is computed before they are looked up; there may be a table of their kinds, too."""
    text = BLOCK.replace("MASK", "masked = Identity (scores)").replace(
        "float[B,N,32] x,", "int64[B,N] tokens, int64[B,N] types, float[90,32] wt, float[120,32] wp, float[2,32] wy,")
    text = text.replace("{\n  q =", """{
  there = Sign (tokens)  at = CumSum (there, one)  place = Gather (wp, at)""" + (
        "  kind = Gather (wy, types)  placed = Add (place, kind)" if kinds else "  placed = Identity (place)") + """
  token = Gather (wt, tokens)  x = Add (token, placed)
  q =""")
    structure = structure_of(text, tmp_path)
    assert (structure["vocab"], structure["position"]) == (90, "learned")


def test_one_masked_tower_beside_an_open_one(tmp_path):
    """CLIP: a text tower with a causal mask and an image tower without; nothing here predicts the next token."""
    block = BLOCK.replace("MASK", "seen = LessOrEqual (column0, row0)  masked = Where (seen, scores, low)")
    body = block[block.index("{\n  q = ") + 2:block.rindex("}")]
    second = body.replace("masked = Where (seen, scores, low)", "masked = Identity (scores)")
    for name in sorted({word for word in second.replace("(", " ").replace(")", " ").replace(",", " ").split()
                        if f"{word} = " in body and word not in ("perm", "to")}, key=len, reverse=True):
        second = re.sub(rf"\b{name}\b", name + "_2", second)
    second = second.replace("(x", "(z").replace(", x", ", z")
    text = block.replace(body, body + second).replace("float[B,N,32] x,", "float[B,N,32] x, float[B,N,32] z,")
    text = text.replace("=> (float[B,N,32] y)", "=> (float[B,N,32] y, float[B,N,32] y_2)")
    structure = structure_of(text, tmp_path)
    assert (structure["kind"], structure["layers"]) == ("encoder", 2)


ACTIVATIONS = {
    "relu": "act = Relu (up)",
    "relu_squared": "bent = Relu (up)  act = Mul (bent, bent)",
    "relu_squared ": "bent = Relu (up)  act = Pow (bent, two)",
    "tanh": "act = Tanh (up)",
    "sigmoid": "act = Sigmoid (up)",
    "silu": "open_ = Sigmoid (up)  act = Mul (open_, up)",
    "silu ": "minus = Neg (up)  e = Exp (minus)  one_ = Constant <value = float {1.0}> ()  more = Add (one_, e)  act = Div (up, more)",
    "quick_gelu": "slope_ = Constant <value = float {1.702}> ()  steep = Mul (up, slope_)  open_ = Sigmoid (steep)"
                  "  act = Mul (up, open_)",
    "mish": "soft = Softplus (up)  bent = Tanh (soft)  act = Mul (up, bent)",
    "other": "slope_ = Constant <value = float {1.5}> ()  steep = Mul (up, slope_)  open_ = Sigmoid (steep)"
             "  act = Mul (up, open_)",
    "other ": "bent = Relu (up)  act = Tanh (bent)",
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_an_expression(name, tmp_path):
    """What it computes counts, not which operators occur in it."""
    text = BLOCK.replace("MASK", "masked = Identity (scores)").replace("float nothing", "float two = {2}, float nothing")
    assert structure_of(text.replace("act = Relu (up)", ACTIVATIONS[name]), tmp_path)["activation"] == name.strip()


def test_projection_of_narrow_embeddings_is_no_querys(tmp_path):
    """The residual stream reads it, as ALBERT's and ELECTRA's does: q, k and v are three products."""
    text = BLOCK.replace("MASK", "masked = Identity (scores)").replace("float[B,N,32] x,", "float[B,N,8] z, float[8,32] we,")
    text = text.replace("{\n  q =", "{\n  x = MatMul (z, we)\n  q =")
    model = tmp_path / "block.onnx"
    onnx.save(onnx.parser.parse_model(text.replace("{GAIN}", "{" + ",".join(["1"] * 32) + "}")
                                      .replace("{WINDOW}", "{" + ",".join(["1"] * 256) + "}")), model)
    roles = {row["role"]: row["count"] for row in contract.analyze(model)["ledgers"]["textbook"]["roles"]}
    assert [roles[name] for name in ("q_proj", "k_proj", "v_proj")] == [1, 1, 1]


def test_norm_behind_the_last_layer_is_no_blocks(tmp_path):
    text = BLOCK.replace("MASK", "masked = Identity (scores)").replace("float nothing", "float[32] gamma = {GAIN}, float nothing")
    text = text.replace("y = Add (h, down)", "final = Add (h, down)  y = LayerNormalization (final, gamma)")
    assert structure_of(text, tmp_path)["norm"] is None


def test_quantised_scores_are_a_softmax_between_products(tmp_path):
    """QDQ: as static quantisation leaves them, on both sides of the softmax."""
    quantised = "  {0}q = QuantizeLinear ({0}, qs, qz)  {1} = DequantizeLinear ({0}q, qs, qz)"
    text = BLOCK.replace("MASK", quantised.format("scores", "masked")).replace("float nothing", "float qs = {0.1}, uint8 qz = {128}, float nothing")
    text = text.replace("p = Softmax (masked)", "weights = Softmax (masked)" + quantised.format("weights", "p"))
    structure = structure_of(text, tmp_path)
    assert (structure["kind"], structure["heads"], structure["activation"]) == ("encoder", 4, "relu")


def layer(name, stream, cache, hides, source=None):
    """One head-split attention of text `stream` on itself (and a cache), or on `source`; its result is `name`."""
    other = source or stream
    lines = f"""
  {name}q = MatMul ({stream}, wq)  {name}k = MatMul ({other}, wk)  {name}v = MatMul ({other}, wv)
  {name}q4 = Reshape ({name}q, heads)  {name}k4 = Reshape ({name}k, heads)  {name}v4 = Reshape ({name}v, heads)
  {name}qh = Transpose <perm = [0, 2, 1, 3]> ({name}q4)  {name}kn = Transpose <perm = [0, 2, 1, 3]> ({name}k4)
  {name}vn = Transpose <perm = [0, 2, 1, 3]> ({name}v4)"""
    k, v = f"{name}kn", f"{name}vn"
    if cache:
        lines += f"\n  present_k = Concat <axis = 2> (past_k, {k})  present_v = Concat <axis = 2> (past_v, {v})"
        k, v = "present_k", "present_v"
    lines += f"\n  {name}kh = Transpose <perm = [0, 1, 3, 2]> ({k})  {name}scores = MatMul ({name}qh, {name}kh)"
    scores = f"{name}scores"
    if hides:
        lines += f"""
  {name}size = Shape ({scores})  {name}n = Gather ({name}size, two_)  {name}m = Gather ({name}size, three_)
  {name}rows = Range (zero, {name}n, one)  {name}columns = Range (zero, {name}m, one)  {name}before = Sub ({name}m, {name}n)
  {name}late = Add ({name}rows, {name}before)  {name}row = Unsqueeze ({name}late, a1)  {name}column = Unsqueeze ({name}columns, a0)
  {name}seen = LessOrEqual ({name}column, {name}row)  {name}hidden = Where ({name}seen, {scores}, low)"""
        scores = f"{name}hidden"
    return lines + f"""
  {name}p = Softmax ({scores})  {name}mixed = MatMul ({name}p, {v})  {name}back = Transpose <perm = [0, 2, 1, 3]> ({name}mixed)
  {name}merged = Reshape ({name}back, flat)  {name}out = MatMul ({name}merged, wo)  {name} = Add ({stream}, {name}out)"""


@pytest.mark.parametrize("cache", [False, True], ids=["no cache", "cache"])
@pytest.mark.parametrize("encoder", [False, True], ids=["no encoder", "encoder"])
def test_encoder_decoder(encoder, cache, tmp_path):
    """T5: the encoder in the same file makes it one of both, with a cache or without; the decoder alone is none."""
    head = BLOCK[:BLOCK.index("{\n  q =")].replace("=> (float[B,N,32] y)", "=> (float[B,M,32] y CACHE)")
    head = head.replace("float[B,N,32] x,", "float[B,N,32] x, float[B,M,32] z PAST,").replace(
        "int64 one = {1}", "int64 one = {1}, int64 two_ = {2}, int64 three_ = {3}")
    head = head.replace("PAST", ", float[B,4,P,8] past_k, float[B,4,P,8] past_v" if cache else "").replace(
        "CACHE", ", float[B,4,T,8] present_k, float[B,4,T,8] present_v" if cache else "")
    mlp = "\n  {0}up = MatMul ({0}, w1)  {0}act = Relu ({0}up)  {0}down = MatMul ({0}act, w2)  {1} = Add ({0}, {0}down)\n"
    body = layer("e", "x", False, False) + mlp.format("e", "memory") if encoder else "  memory = Identity (x)"
    body += layer("s", "z", cache, True) + layer("c", "s", False, False, "memory") + mlp.format("c", "y")
    structure = structure_of(head + "{" + body + "}\n", tmp_path)
    assert (structure["kind"], structure["heads"]) == ("encoder-decoder" if encoder else "decoder", 4)


@pytest.mark.parametrize("source,verdict", [("x", "proved"), ("z", "refuted"), ("h", "refuted")])
def test_attention_to_another_stream_needs_no_mask(source, verdict, tmp_path):
    """As one operator: over the encoder's rows it hides nothing from anybody; over the decoder's own it leaks."""
    heads = "<q_num_heads = 4, kv_num_heads = 4"
    text = f"""<ir_version: 10, opset_import: ["" : 23]>
    g (float[B,M,32] x, float[B,N,32] z, float[32,32] wq, float[32,32] wk, float[32,32] wv, float[32,32] wo, float[32,128] w1,
       float[128,32] w2) => (float[B,N,32] y) {{
      q = MatMul (z, wq)  k = MatMul (z, wk)  v = MatMul (z, wv)  s = Attention {heads}, is_causal = 1> (q, k, v)
      so = MatMul (s, wo)  h = Add (z, so)
      cq = MatMul (h, wq)  ck = MatMul ({source}, wk)  cv = MatMul ({source}, wv)  c = Attention {heads}> (cq, ck, cv)
      co = MatMul (c, wo)  h2 = Add (h, co)
      up = MatMul (h2, w1)  act = Relu (up)  down = MatMul (act, w2)  y = Add (h2, down)
    }}"""
    model = tmp_path / "model.onnx"
    onnx.save(onnx.parser.parse_model(text), model)
    causal = contract.analyze(model, "--view=causality")["structure"]["causal"]
    assert causal["verdict"] == verdict, causal
