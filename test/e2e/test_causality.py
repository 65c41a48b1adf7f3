"""Graphs that see later tokens in ways that are easy to miss: never proved causal, never given a cache. The truth is measured."""

import contract
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from small_transformers import VOCABULARY, Draw
from test_kv_cache import LEVELS, moved, rewritten, session
from time_mixers import FAR, cut, grid, own_attention, scalar


def even(d, x):
    """The sum of all token ids is even: one bool."""
    return d.op("Equal", d.op("Mod", d.op("ReduceSum", "input_ids", keepdims=0), scalar(d, 2)), scalar(d, 0))


def positive(d):
    """How many token ids are above 9, by the size of NonZero's result: [1]."""
    found = d.op("NonZero", d.op("Greater", "input_ids", scalar(d, 9)))
    return d.op("Gather", d.op("Shape", found), d.ints(1), axis=0)


def scaled(d, x, count):
    return d.op("Mul", x, d.op("Cast", count, to=TensorProto.FLOAT))


def ones(d, count):
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    return d.op("ReduceSum", d.op("ConstantOfShape", count, value=one), d.ints(0), keepdims=1)


def distinct(d, x):
    return scaled(d, x, d.op("Shape", d.op("Unique", "input_ids")))


def kept(d, x):
    ids = d.op("Reshape", "input_ids", d.ints(-1))
    return scaled(d, x, d.op("Shape", d.op("Compress", ids, d.op("Greater", ids, scalar(d, 9)), axis=0)))


def counted_up(d, x):
    limit = d.op("ReduceSum", "input_ids", keepdims=0)
    return scaled(d, x, d.op("Shape", d.op("Range", scalar(d, 0), limit, scalar(d, 1))))


def branch(d, value, name):
    return helper.make_graph([helper.make_node("Identity", [value], [f"{name}_{d.count}"])], name, [],
                             [helper.make_tensor_value_info(f"{name}_{d.count}", TensorProto.FLOAT, None)])


def either(condition, then_value, else_value):
    def mixer(d, x):
        chosen, one, other = condition(d, x), then_value(d, x), else_value(d, x)
        return d.op("If", chosen, then_branch=branch(d, one, "then"), else_branch=branch(d, other, "else"))
    return mixer


def last(d, x):
    return cut(d, x, -1, FAR)


def long(d, x, than=3):
    return d.op("Greater", d.op("Squeeze", d.length, d.ints(0)), scalar(d, than))


def short(d, x):
    return d.op("Not", long(d, x))


def mean(d, x):
    return d.op("Add", x, d.op("ReduceMean", x, axes=[1], keepdims=1))


def biased(how):
    """A causal mask beside a bias that hides a row's own column; how gets 1 on the diagonal and 0 elsewhere, and the distance."""
    def mixer(d, x):
        rows, columns = grid(d)
        square = d.op("Concat", d.length, d.length, axis=0)
        own = d.op("EyeLike", d.op("ConstantOfShape", square))
        bias = how(d, own, d.op("Cast", d.op("Sub", rows, columns), to=TensorProto.FLOAT))
        return own_attention(d, x, d.op("LessOrEqual", columns, rows), bias=bias)
    return mixer


def halves(d, x):
    """Integer division goes towards 0: one column ahead is none."""
    distance = d.op("Sub", *grid(d))
    return own_attention(d, x, d.op("GreaterOrEqual", d.op("Div", distance, scalar(d, 2)), scalar(d, 0)))


def weighed(d, own):
    return d.op("Unsqueeze", own, d.ints(2)), d.constant(np.full((1, 1), -2e9, np.float32))


def convolved(d, own, _):
    image = d.op("Unsqueeze", own, d.ints(0, 1))
    return d.op("Squeeze", d.op("Conv", image, d.constant(np.full((1, 1, 1, 1), -2e9, np.float32))), d.ints(0, 1))


def normed(d, own, _):
    other = d.op("Sub", d.number(1), own)
    pair = d.op("Concat", d.op("Unsqueeze", own, d.ints(2)), d.op("Unsqueeze", other, d.ints(2)), axis=2)
    both = d.op("LayerNormalization", pair, d.constant(np.array([-2e9, 0], np.float32)), axis=-1)
    return d.op("Gather", both, scalar(d, 0), axis=2)


SAME = lambda d, x: x
MIXERS = {
    "nonzero_scales": lambda d, x: scaled(d, x, positive(d)),
    "nonzero_fills": lambda d, x: d.op("Mul", x, ones(d, positive(d))),
    "nonzero_chooses": lambda d, x: d.op("Add", x, d.op("Gather", d.weight(64, d.hidden), positive(d), axis=0)),
    "unique": distinct,
    "compress": kept,
    "range": counted_up,
    "else_leaks": either(short, SAME, mean),
    "then_leaks": either(long, mean, SAME),
    "condition_leaks": either(even, SAME, lambda d, x: d.op("Neg", x)),
    "last_added": lambda d, x: d.op("Add", x, last(d, x)),
    "rolled": lambda d, x: d.op("Concat", last(d, x), cut(d, x, 0, -1), axis=1),
    "before_wraps": lambda d, x: d.op("Gather", x, d.op("Sub", d.range, scalar(d, 1)), axis=1),
    "own_hidden_by_reciprocal": biased(lambda d, own, far: d.op("Neg", d.op("Reciprocal", far))),
    "own_hidden_by_power": biased(lambda d, own, far: d.op("Neg", d.op("Pow", far, d.number(-2)))),
    "own_hidden_by_product": biased(lambda d, own, far: d.op("Squeeze", d.op("MatMul", *weighed(d, own)), d.ints(2))),
    "own_hidden_by_factor": biased(lambda d, own, far: d.op("Gemm", own, own, alpha=-2e9)),
    "own_hidden_by_slope": biased(lambda d, own, far: d.op("LeakyRelu", d.op("Neg", own), alpha=2e9)),
    "own_hidden_by_convolution": biased(convolved),
    "own_hidden_by_norm": biased(normed),
    "own_hidden_by_sum": biased(lambda d, own, far: d.op("CumSum", d.op("Mul", own, d.number(-2e9)), scalar(d, 0))),
    "one_ahead_by_division": halves,
    # Causal ones.
    "branches_agree": either(short, SAME, lambda d, x: d.op("Tanh", x)),
    "first_added": lambda d, x: d.op("Add", x, cut(d, x, 0, 1)),
}
CAUSAL = {"branches_agree", "first_added"}


@pytest.mark.parametrize("name", MIXERS)
def test_mixing(name, tmp_path):
    check(Draw(11, mixer=MIXERS[name]), tmp_path, leaks=name not in CAUSAL)


class Masked(Draw):
    """A transformer whose mask compares positions after `turn` and has its softmax along `axis`."""

    def __init__(self, turn=None, after=None, axis=-1):
        super().__init__(11)
        self.turn, self.after, self.along = turn, after, axis
        self.position, self.padding, self.layers, self.kv_heads, self.groups = "none", "none", 1, 2, 1
        self.heads, self.hidden = 2, 2 * self.width

    def hidden_later(self, scores):
        rows, columns = self.op("Unsqueeze", self.range, self.ints(1)), self.op("Unsqueeze", self.range, self.ints(0))
        if self.turn:
            rows, columns = self.turn(self, rows), self.turn(self, columns)
        filled = self.op("Where", self.op("LessOrEqual", columns, rows), scores, self.number(-1e9))
        return self.after(self, filled) if self.after else filled

    def weigh(self, scores):
        return self.op("Softmax", scores, axis=self.along)


def cast(to):
    return lambda d, x: d.op("Cast", x, to=to)


def times(factor, kind):
    return lambda d, x: d.op("Mul", d.op("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(kind))), d.constant(kind(factor)))


def far(d, x):
    return d.op("Add", d.op("Cast", x, to=TensorProto.FLOAT), d.number(1e8))


def less(kind):
    """Scores less what a reduction over the heads says of them: fills cancel."""
    return lambda d, x: d.op("Sub", x, d.op(kind, x, axes=[1], keepdims=1))


def own_hidden(d, x):
    """The row's own column is filled by what no formula follows."""
    return d.op("Add", x, d.op("OneHot", d.range, d.op("Squeeze", d.length, d.ints(0)), d.constant(np.array([0, -1e30], np.float32))))


def less_other_head(d, x):
    return d.op("Sub", x, d.op("Concat", *reversed(d.op("Split", x, d.ints(1, 1), axis=1, outputs=2)), axis=1))


LEAKY = {
    "largest_of_heads": Masked(after=less("ReduceMax")),
    "smallest_of_heads": Masked(after=less("ReduceMin")),
    "sum_of_heads": Masked(after=less("ReduceLogSumExp")),
    "other_head": Masked(after=less_other_head),
    "own_hidden": Masked(after=own_hidden),
    "power": Masked(after=lambda d, x: d.op("Pow", x, d.number(0))),
    "shrunk": Masked(after=lambda d, x: d.op("LeakyRelu", x, alpha=1e-38)),
    "rounded_float": Masked(far),
    "wrapped_int32": Masked(times(2**30, np.int32)),
    "wrapped_int64": Masked(times(2**62, np.int64)),
    "wrapped_fill": Masked(after=lambda d, x: d.op("Cast", d.op("Cast", x, to=TensorProto.INT8), to=TensorProto.FLOAT)),
    "over_heads": Masked(axis=1),
    "over_batch": Masked(axis=0),
}


@pytest.mark.parametrize("name", LEAKY)
def test_masks(name, tmp_path):
    check(LEAKY[name], tmp_path)


@pytest.mark.parametrize("kind, longest", [("FLOAT16", 2048), ("BFLOAT16", 256), ("INT8", 127), ("UINT8", 255), ("FLOAT", None), ("INT32", None)])
def test_positions_in_narrow_types(kind, longest, tmp_path):
    """Proved for the sequences for which the type is exact, and that is said."""
    wide = lambda d, x: d.op("Cast", d.op("Cast", x, to=getattr(TensorProto, kind)), to=TensorProto.FLOAT)
    causal = verdict(Masked(wide).model(), tmp_path)
    assert causal["verdict"] == "proved", causal
    expected = [f"sequences are no longer than {longest}"] if longest else []
    assert [each.split(",")[0] for each in causal["assumptions"]] == expected, causal


def verdict(model, scratch):
    onnx.save(model, scratch / "model.onnx")
    return contract.analyze(scratch / "model.onnx")["structure"]["causal"]


def check(draw, scratch, leaks=True):
    draw.layers = 2
    model = draw.model()
    causal = verdict(model, scratch)
    found = moved(session(model, LEVELS[0]), np.random.default_rng(3).integers(0, VOCABULARY, (2, 9)))
    assert (found == "later tokens") == leaks, f"the case is none: it depends on {found}"
    if not leaks:
        assert causal["verdict"] == "proved", causal
        return
    assert causal["verdict"] != "proved", causal
    assert not rewritten(model, scratch)[1]


def shares(d, x, after):
    """softmax(x xᵀ) without a mask; after says what is made of scores and shares."""
    scores = d.op("MatMul", x, d.op("Transpose", x, perm=[0, 2, 1]))
    rows, columns = grid(d)
    return d.op("MatMul", after(d, scores, d.op("LessOrEqual", columns, rows)), x)


def masked_after(d, scores, allowed):
    """The mask behind the softmax, and shares made whole again: what later columns took cancels."""
    weights = d.op("Mul", d.op("Softmax", scores, axis=-1), d.op("Cast", allowed, to=TensorProto.FLOAT))
    return d.op("Div", weights, d.op("ReduceSum", weights, d.ints(-1), keepdims=1))


def less_the_largest(d, scores, allowed):
    scores = d.op("Where", allowed, scores, d.number(-1e9))
    return d.op("Softmax", d.op("Sub", scores, d.op("ReduceMax", scores, axes=[1, 2], keepdims=1)), axis=-1)


@pytest.mark.parametrize("after", [masked_after, less_the_largest], ids=lambda each: each.__name__)
def test_what_cancels_is_not_refuted(after, tmp_path):
    draw = Draw(11, mixer=lambda d, x: shares(d, x, after))
    draw.layers = 2
    model = draw.model()
    assert moved(session(model, LEVELS[0]), np.random.default_rng(3).integers(0, VOCABULARY, (2, 9))) is None, "the case is none"
    assert verdict(model, tmp_path)["verdict"] == "unknown"
