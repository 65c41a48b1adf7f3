"""--lower-fused: masks that are a flag, heads that share keys, heads merged with the batch."""

import contract
import numpy as np
import onnx
import pytest
from test_lowering import check, lowered

OPERATORS = [("ort", "MultiHeadAttention", "unidirectional"), ("onnx23", "Attention", "is_causal")]

# Rows and columns as the graph counts them: `after` is true where a column is after a row.
POSITIONS = """sizes = Shape (q)  n = Gather (sizes, two)  one_n = Gather (sizes, two_)  square = Concat <axis = 0> (one_n, one_n)
    at = Range (zero_i, n, one_i)  row = Unsqueeze (at, last)  after = Less (row, at)  """
LOW, INFINITE, TENS = "-3.4028234e38", "-inf", "-10000"
CORE = {"type": "float", "q": "B,4,N,8", "v": "B,4,N,8", "low": LOW, "mask": "", "masked": "m = Add (s, mask)", "softmax": "w = Softmax <axis = -1> (m)"}
WHERE, TABLE = "mask = Where (after, low, zero)", "full = Expand (low, square)  mask = Trilu <upper = 1> (full, {})"


def core(**changes):
    part = {**CORE, **changes}
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 18]>
    g ({type}[{q}] q, {type}[{q}] k, {type}[{v}] v, bool[B,1,N,N] open, {type}[4,N,N] bias) => ({type}[{v}] y)
    <{type} c = {{{scale}}}, {type} zero = {{0}}, {type} near = {{{near}}}, {type} huge = {{{huge}}},
     int64 two = {{2}}, int64[1] two_ = {{2}}, int64[1] last = {{-1}}, int64 zero_i = {{0}}, int64 one_i = {{1}}, int64 three_i = {{3}}>
    {{ {positions} {mask}  t = Transpose <perm = [0, 1, 3, 2]> (k)  p = MatMul (q, t)  s = Mul (p, c)  {masked}  {softmax}  y = MatMul (w, v) }}"""
                                     .format(positions=POSITIONS, scale=14336 if part["type"] == "float16" else 4, near=0 if part["type"] == "float16" else 0.5, huge=0 if part["type"] == "float16" else "1e31", **part))
    kind = np.float16 if part["type"] == "float16" else np.float32
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(part["low"], kind), "low"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.tril(np.ones((24, 24), bool)), "table"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([0, 0]), "from"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.linspace(-2, 2, 4, dtype=kind).reshape(4, 1, 1), "slopes"))
    return without_unused(model)


def without_unused(model):
    used = {name for node in model.graph.node for name in node.input}
    for given in [given for given in model.graph.input if given.name not in used]:
        model.graph.input.remove(given)
    return model


def flag(node, name):
    return [attribute.i for attribute in node.attribute if attribute.name == name]


def operands(node):
    return len([name for name in node.input if name])


CAUSAL = {
    "added": {"mask": WHERE},
    "added, infinite": {"mask": WHERE, "low": INFINITE},
    "added, below -1e30": {"mask": WHERE, "low": "-2e30"},
    "a table above its diagonal": {"mask": TABLE.format("one_i")},
    "of rank 4": {"mask": WHERE.replace("mask", "flat") + "  front = Constant <value_ints = [0, 1]> ()  mask = Unsqueeze (flat, front)"},
    "minus a large number": {"mask": "x = Cast <to = 1> (after)  mask = Mul (x, low)"},
    "written over": {"masked": "m = Where (after, low, s)"},
    "written beside": {"mask": "sees = Not (after)", "masked": "m = Where (sees, s, low)"},
    "written infinite in fp16": {"masked": "m = Where (after, low, s)", "low": INFINITE, "type": "float16"},
    "a table that is cut": {"mask": "to = Constant <value_ints = [0, 1]> ()  cut = Slice (table, from, square, to)  mask = Where (cut, zero, low)"},
    "rows that see nothing, of which there are none": {"mask": WHERE, "softmax": "u = Softmax <axis = -1> (m)  i = IsNaN (u)  w = Where (i, zero, u)", "low": INFINITE},
}


@pytest.mark.parametrize("target, operator, name", OPERATORS)
@pytest.mark.parametrize("case", CAUSAL)
def test_a_flag_says_it(case, target, operator, name, tmp_path):
    """Of scores that are four times those of unit vectors, a column seen wrongly would show."""
    found, said = check(core(**CAUSAL[case]), "fuse-attention", target, tmp_path, operator)
    assert len(found) == 1, said
    assert flag(found[0], name) == [1] and operands(found[0]) == 3
    assert contract.analyze(tmp_path / f"{target}.onnx")["structure"]["causal"]["verdict"] == "proved"


OPERAND = {
    "its own column hidden": ({"mask": TABLE.format("zero_i"), "low": "-1e31"}, "a row's own column"),
    "the next column shown": ({"mask": TABLE.format("two"), "low": "-1e31"}, "later columns"),
    "turned": ({"mask": "hides = Less (at, row)  mask = Where (hides, low, zero)"}, "later columns"),
    "-10000": ({"mask": WHERE, "low": TENS}, "later columns"),
    "no infinity in fp16": ({"mask": WHERE, "low": "-65504", "type": "float16"}, "later columns"),
    "a window": ({"mask": "far = Sub (row, at)  out = Greater (far, three_i)  none = Or (after, out)  mask = Where (none, low, zero)"}, "earlier columns"),
    "something on its own column": ({"mask": "mask = Where (after, low, near)"}, "a row's own column"),
    "padding, too": ({"mask": "sees = Not (after)  both = And (sees, open)  mask = Where (both, zero, low)", "low": "-1e38"}, "own column"),
    "slopes": ({"mask": "far = Sub (at, row)  x = Cast <to = 1> (far)  a = Mul (x, slopes)  mask = Where (after, low, a)"}, "earlier columns"),
    "what the caller gives": ({"masked": "m = Add (s, bias)"}, "later columns"),
    "padding alone": ({"mask": "key = Constant <value_ints = [3]> ()  hides = Less (key, at)  mask = Where (hides, low, zero)"}, "later columns"),
}


@pytest.mark.parametrize("target, operator, name", OPERATORS)
@pytest.mark.parametrize("case", OPERAND)
def test_the_mask_stays_an_operand(case, target, operator, name, tmp_path):
    changes, why = OPERAND[case]
    found, _ = check(core(**changes), "fuse-attention", target, tmp_path, operator)
    assert len(found) == 1 and flag(found[0], name) == [] and operands(found[0]) == 4
    _, said = lowered(tmp_path / "plain.onnx", "fuse-attention", target, tmp_path)
    assert f"1 {operator}: with their mask as an operand:" in " ".join(said) and why in " ".join(said), said


@pytest.mark.parametrize("target, operator, name", OPERATORS)
def test_rows_that_see_nothing_share_equally(target, operator, name, tmp_path):
    """The lowest number over all scores of a row: they weigh the same then, which ONNX Runtime's Attention would make zeros of."""
    model = core(masked="never = And (after, open)  sees = And (never, after_)  m = Where (sees, s, low)".replace("after_", "none"), mask="none = Less (at, row)")
    found, said = check(model, "fuse-attention", target, tmp_path, operator)
    assert len(found) == 1 and operands(found[0]) == 4, said


@pytest.mark.parametrize("target, operator", [("ort", "MultiHeadAttention"), ("onnx23", "Attention")])
@pytest.mark.parametrize("mask", ["m = Where (sees, s, low)", "x = Where (sees, zero, low)  m = Add (s, x)"])
def test_rows_that_see_nothing_give_zeros(mask, target, operator, tmp_path):
    """torch's attention makes zeros of what is no number; so does the standard's operator, com.microsoft's gives no number."""
    hides = "none = Less (at, row)  open_ = And (open, none)  sees = And (open_, after)  "
    model = core(mask=hides, masked=mask, softmax="u = Softmax <axis = -1> (m)  i = IsNaN (u)  w = Where (i, zero, u)", low=INFINITE)
    found, said = check(model, "fuse-attention", target, tmp_path, operator)
    assert len(found) == (target == "onnx23"), said
    if target == "ort":
        assert "it gives zeros for a row that sees nothing" in said


def test_more_columns_than_rows(tmp_path):
    """Of a graph with a cache: the flag's first row is the first of all, and not that of the new ones."""
    out, said = lowered(contract.MODELS / "kv" / "llama_gqa_ts17.onnx", "kv-cache,O2", "onnx23", tmp_path)
    found = [node for node in onnx.load(out).graph.node if node.op_type == "Attention"]
    assert len(found) == 2 and all(flag(node, "is_causal") == [] and operands(node) == 4 for node in found)
    assert "columns for" in " ".join(said)


TWICE = {
    "slopes": {"mask": WHERE + "  x = Cast <to = 1> (at)  a = Mul (x, slopes)", "masked": "b = Add (s, a)  m = Add (b, mask)"},
    "a bias": {"mask": WHERE, "masked": "b = Add (s, slopes)  m = Add (b, mask)"},
    "a bias, behind": {"masked": "b = Where (after, low, s)  m = Add (b, slopes)"},
}


@pytest.mark.parametrize("target, operator, name", OPERATORS)
@pytest.mark.parametrize("case", TWICE)
def test_one_of_two_masks_is_a_flag(case, target, operator, name, tmp_path):
    found, said = check(core(**TWICE[case]), "fuse-attention", target, tmp_path, operator)
    assert len(found) == 1, said
    assert flag(found[0], name) == [1] and operands(found[0]) == 4


@pytest.mark.parametrize("target, operator, name", OPERATORS)
@pytest.mark.parametrize("mask", ["b = Add (s, bias)", "b = Where (open, s, low)", "x = Cast <to = 1> (after)  a = Mul (x, huge)  b = Add (s, a)"])
def test_the_other_mask_could_hide_its_own_column(mask, target, operator, name, tmp_path):
    """Where all is hidden, what the flag hides and what the other mask does would have to weigh the same."""
    found, said = check(core(mask=WHERE, masked=f"{mask}  m = Add (b, mask)"), "fuse-attention", target, tmp_path, operator)
    assert not found and "masked twice, once causally, and of the other mask" in said, said


# Two heads of keys and values for four of queries.
GROUPS = """<ir_version: 8, opset_import: ["" : 18]>
    g (float[B,4,N,{d}] q, float[B,2,N,{d}] k_, float[B,2,N,{e}] v_, float[1,1,N,N] given) => (float[B,4,N,{e}] y)
    <float c = {{4}}, float low = {{{low}}}, float zero = {{0}}, int64 two = {{2}}, int64[1] two_ = {{2}}, int64[1] last = {{-1}}, int64 zero_i = {{0}},
     int64 one_i = {{1}}, int64[4] heads = {{0,4,-1,{d}}}, int64[4] values = {{0,4,-1,{e}}}, int64[5] times = {{1,1,2,1,1}}>
    {{ {positions} """ + WHERE + """
       k5 = Unsqueeze (k_, two_)  kx = Expand (k5, times)  k = Reshape (kx, heads)  v5 = Unsqueeze (v_, two_)  vx = Expand (v5, times)  v = Reshape (vx, values)
       t = Transpose <perm = [0, 1, 3, 2]> (k)  p = MatMul (q, t)  s = Mul (p, c)  m = Add (s, {mask})  w = Softmax <axis = -1> (m)  y = MatMul (w, v) }}"""


def groups(d=8, e=None, low="-1e38", mask="mask"):
    return without_unused(onnx.parser.parse_model(GROUPS.format(d=d, e=e or d, low=low, mask=mask, positions=POSITIONS)))


@pytest.mark.parametrize("d", [8, 16])
def test_groups(d, tmp_path):
    found, said = check(groups(d), "fuse-attention", "ort", tmp_path, "GroupQueryAttention")
    assert len(found) == 1, said
    assert (flag(found[0], "num_heads"), flag(found[0], "kv_num_heads")) == ([4], [2])
    assert not {"kx", "vx"} & {name for node in onnx.load(tmp_path / "ort.onnx").graph.node for name in node.output}
    structure = contract.analyze(tmp_path / "ort.onnx")["structure"]
    assert (structure["heads"], structure["kv_heads"], structure["causal"]["verdict"]) == (4, 2, "proved")


@pytest.mark.parametrize("changes, why", [
    ({"d": 4}, "a multiple of 8, not of 4"), ({"e": 16}, "of one width"), ({"low": "-10000"}, "is causal, and of the mask it is not proved"),
    ({"mask": "given"}, "is causal, and of the mask")], ids=str)
def test_groups_that_are_repeated(changes, why, tmp_path):
    model = groups(**changes)
    found, _ = check(model, "fuse-attention", "ort", tmp_path, "MultiHeadAttention")
    assert len(found) == 1
    assert why in " ".join(lowered(tmp_path / "plain.onnx", "fuse-attention", "ort", tmp_path)[1])


def test_the_groups_bytes(tmp_path):
    """B·H·N·d of Q and of the result, B·G·N·d of K and of V, 4 bytes each; nothing of a mask."""
    onnx.save(groups(), tmp_path / "plain.onnx")
    out, _ = lowered(tmp_path / "plain.onnx", "fuse-attention", "ort", tmp_path)
    ledger = contract.analyze(out, "--ledger=graph")["ledgers"]["graph"]
    assert contract.evaluate(ledger["bytes"], {"B": 3, "N": 100}) == 4 * (2 * 3 * 4 * 100 * 8 + 2 * 3 * 2 * 100 * 8)
    assert contract.evaluate(ledger["matrix_flops"], {"B": 3, "N": 100}) == 2 * 2 * 3 * 4 * 100 * 100 * 8


CAPS = {"as Gemma writes it": ("o = Div (s, cap)  t_ = Tanh (o)  l = Mul (t_, cap)", 4, 3), "of one": ("l = Tanh (s)", 4, 1),
        "in other numbers": ("o = Mul (c, s)  t_ = Tanh (o)  l = Mul (cap, t_)", 4 * 4 * 3, 3)}


@pytest.mark.parametrize("target, operator", [("ort", "GroupQueryAttention"), ("onnx23", "Attention")])
@pytest.mark.parametrize("case", CAPS)
def test_soft_cap(case, target, operator, tmp_path):
    """cap · tanh(scale · QKᵀ / cap): com.microsoft has it for groups, of which one head each is one."""
    cap, scale, limit = CAPS[case]
    model = core(mask=WHERE, masked=f"{cap}  m = Add (l, mask)", low="-1e38")
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(3, np.float32), "cap"))
    found, said = check(model, "fuse-attention", target, tmp_path, operator)
    assert len(found) == 1, said
    numbers = {attribute.name: attribute.f for attribute in found[0].attribute}
    assert (numbers["scale"], numbers["softcap"]) == (pytest.approx(scale), pytest.approx(limit))


@pytest.mark.parametrize("low, why", [("-10000", "MultiHeadAttention has no soft cap, and GroupQueryAttention is causal")])
def test_soft_cap_without_a_flag(low, why, tmp_path):
    model = core(mask=WHERE, masked="l = Tanh (s)  m = Add (l, mask)", low=low)
    found, said = check(model, "fuse-attention", "ort", tmp_path, "GroupQueryAttention")
    assert not found and why in said
    found, said = check(model, "fuse-attention", "onnx23", tmp_path, "Attention")
    assert len(found) == 1 and operands(found[0]) == 4


@pytest.mark.parametrize("target, operator", [("ort", "MultiHeadAttention"), ("onnx23", "Attention")])
def test_operands_of_two_types(target, operator, tmp_path):
    """Scores in fp32, as GPT-J has them, amid values in fp16: the operators have one type."""
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 18]>
    g (float[B,4,N,8] q, float[B,4,8,N] k, float16[B,4,N,8] v) => (float16[B,4,N,8] y)
    { p = MatMul (q, k)  u = Softmax <axis = -1> (p)  w = Cast <to = 10> (u)  y = MatMul (w, v) }""")
    found, said = check(model, "fuse-attention", target, tmp_path, operator)
    assert not found and "is of another type than" in said, said


@pytest.mark.parametrize("target, operator", [("ort", "MultiHeadAttention"), ("onnx23", "Attention")])
def test_axes_as_an_old_version_has_them(target, operator, tmp_path):
    """A mask of rank 2 gets axes: before 13 they are an attribute. The standard's operator is not for such a file."""
    model = onnx.parser.parse_model("""<ir_version: 7, opset_import: ["" : 12]>
    g (float[B,4,N,8] q, float[B,4,8,N] k, float[B,4,N,8] v, float[N,N] bias) => (float[B,4,N,8] y)
    { p = MatMul (q, k)  m = Add (p, bias)  w = Softmax <axis = 3> (m)  y = MatMul (w, v) }""")
    found, said = check(model, "fuse-attention", target, tmp_path, operator)
    assert len(found) == (target == "ort"), said


# Batch and heads in one axis, as torch's baddbmm wants them.
MERGED = """<ir_version: 8, opset_import: ["" : 18]>
    g (float[{B},N,32] x, float[32,32] wq, float[32,32] wk, float[32,32] wv, float[1,N,N] bias, float[8,1,N] each) => (float[{B},N,32] y)
    <float c = {{0.25}}, int64[4] heads = {{0,0,4,8}}, int64[3] wide = {{0,0,32}}, int64[1] minus = {{-1}}, int64[1] four = {{4}},
     int64[1] eight = {{8}}, int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}}>
    {{ q_ = MatMul (x, wq)  k_ = MatMul (x, wk)  v_ = MatMul (x, wv)  sizes = Shape (x)  b = Slice (sizes, zero, one)  n = Slice (sizes, one, two)
       rows = Concat <axis = 0> (minus, n, eight)  columns = Concat <axis = 0> (minus, eight, n)  square = Concat <axis = 0> (minus, n, n)
       apart = Concat <axis = 0> (b, four, n, n)  values = Concat <axis = 0> (b, four, n, eight)
       qh = Reshape (q_, heads)  qt = Transpose <perm = [0, 2, 1, 3]> (qh)  q = Reshape (qt, rows)
       kh = Reshape (k_, heads)  kt = Transpose <perm = [0, 2, 3, 1]> (kh)  k = Reshape (kt, columns)
       vh = Reshape (v_, heads)  vt = Transpose <perm = [0, 2, 1, 3]> (vh)  v = Reshape (vt, rows)
       p = MatMul (q, k)  s = Mul (p, c)  {body}
       o = MatMul (w, v)  o4 = Reshape (o, values)  ot = Transpose <perm = [0, 2, 1, 3]> (o4)  y = Reshape (ot, wide) }}"""
BODIES = {
    "merged throughout": "m = Add (s, bias)  w = Softmax <axis = -1> (m)",
    "no mask": "w = Softmax <axis = -1> (s)",
    "taken apart for the mask": "s4 = Reshape (s, apart)  m = Add (s4, bias)  w4 = Softmax <axis = -1> (m)  w = Reshape (w4, square)",
    "a bias of each head and sequence": "m = Add (s, each)  w = Softmax <axis = -1> (m)",
}


@pytest.mark.parametrize("target, operator", [("ort", "MultiHeadAttention"), ("onnx23", "Attention")])
@pytest.mark.parametrize("body", BODIES)
def test_merged_heads(body, target, operator, tmp_path):
    each = "each" in BODIES[body]  # two sequences of four heads
    model = without_unused(onnx.parser.parse_model(MERGED.format(body=BODIES[body], B=2 if each else "B")))
    weights = [given for given in model.graph.input if given.name.startswith("w")]
    for i, given in enumerate(weights):
        model.graph.input.remove(given)
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.random.default_rng(i).standard_normal((32, 32)).astype(np.float32), given.name))
    found, said = check(model, "fuse-attention", target, tmp_path, operator)
    assert len(found) == 1, said
    assert contract.analyze(tmp_path / f"{target}.onnx")["structure"]["heads"] == 4
