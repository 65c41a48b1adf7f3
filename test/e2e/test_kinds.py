"""Encoder or decoder where causality is not proved: whether the mask could hide from one row what another sees."""

import contract
import onnx
import pytest

BLOCK = """
<ir_version: 8, opset_import: ["" : 17]>
block (float[B,N,32] x, int64[B,N] attention_mask, float[32,32] wq, float[32,32] wk,
       float[32,32] wv, float[32,32] wo, float[32,128] w1, float[128,32] w2) => (float[B,N,32] y)
<float[2,4] learned = {1, 2, 3, 4, 5, 6, 7, 8}, int64[4] heads = {0, 0, 4, 8}, int64[3] flat = {0, 0, 32}, int64[1] a0 = {0}, int64[1] a1 = {1}, int64[1] a2 = {2},
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
    "rows before columns": ("decoder", "seen = LessOrEqual (column0, row0)  masked = Where (seen, scores, low)"),
}


@pytest.mark.parametrize("name", MASKS)
def test_kind(name, tmp_path):
    kind, spelling = MASKS[name]
    model = tmp_path / "block.onnx"
    onnx.save(onnx.parser.parse_model(BLOCK.replace("MASK", spelling)), model)
    structure = contract.analyze(model)["structure"]
    assert (structure["kind"], structure["layers"], structure["heads"]) == (kind, 1, 4)
