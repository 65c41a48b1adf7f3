"""Ways to mix positions other than attention, put into a small transformer: some causal, some not; the truth is measured, not stated."""

import numpy as np
from onnx import TensorProto, helper
from small_transformers import LONGEST

FAR = 2**62


def scalar(d, value):
    return d.constant(np.int64(value))


def channels(d, x, make):
    """make on [B, D, N]."""
    return d.op("Transpose", make(d.op("Transpose", x, perm=[0, 2, 1])), perm=[0, 2, 1])


def length(d, kind=TensorProto.FLOAT):
    return d.op("Cast", d.length, to=kind)


def cut(d, x, start, end, step=1):
    return d.op("Slice", x, d.ints(start), d.ints(end), d.ints(1), d.ints(step))


def shifted(d, x, by):
    pads = [0, by, 0, 0, 0, 0]
    return cut(d, d.op("Pad", x, d.ints(*pads)), 0, -by)


def conv(begin, end, dilation=1, groups=False, width=3):
    def mixer(d, x):
        size = d.hidden
        weight = d.weight(size, 1 if groups else size, width)
        return channels(d, x, lambda y: d.op("Conv", y, weight, pads=[begin, end], dilations=[dilation], group=size if groups else 1))
    return mixer


def pool(kind, begin, end, **more):
    return lambda d, x: channels(d, x, lambda y: d.op(kind, y, kernel_shape=[3], pads=[begin, end], **more))


def cumulative(d, x, **how):
    return d.op("CumSum", x, scalar(d, 1), **how)


def over_positions(d, x, how):
    """x scaled by how(positions 0 … N-1) as float [N, 1]."""
    places = d.op("Unsqueeze", d.op("Cast", d.range, to=TensorProto.FLOAT), d.ints(1))
    return d.op("Mul", x, how(places))


def linear(fill, from_end=False):
    """A constant [LONGEST, LONGEST] matrix cut to [N, N] times x."""
    def mixer(d, x):
        table = d.constant(fill(np.random.default_rng(5).standard_normal((LONGEST, LONGEST))).astype(np.float32) / LONGEST)
        if from_end:
            starts = d.op("Concat", d.op("Neg", d.length), d.op("Neg", d.length), axis=0)
            return d.op("MatMul", d.op("Slice", table, starts, d.ints(FAR, FAR), d.ints(0, 1)), x)
        ends = d.op("Concat", d.length, d.length, axis=0)
        return d.op("MatMul", d.op("Slice", table, d.ints(0, 0), ends, d.ints(0, 1)), x)
    return mixer


def recurrent(kind, gates, direction="forward"):
    def mixer(d, x):
        ways = 2 if direction == "bidirectional" else 1
        y = d.op("Transpose", x, perm=[1, 0, 2])
        y = d.op(kind, y, d.weight(ways, gates * d.hidden, d.hidden), d.weight(ways, gates * d.hidden, d.hidden),
                 hidden_size=d.hidden, direction=direction)
        return d.op("Transpose", d.op("ReduceSum", y, d.ints(1), keepdims=0), perm=[1, 0, 2])
    return mixer


def first_few(d, x, how):
    """Keys and values of the first four positions only."""
    few = cut(d, x, 0, 4)
    return how(few)


def attend_few(d, x):
    few = cut(d, x, 0, 4)
    scores = d.op("MatMul", x, d.op("Transpose", few, perm=[0, 2, 1]))
    return d.op("MatMul", d.op("Softmax", scores, axis=-1), few)


def memory(d, x):
    """A learned memory of as many slots as there are positions, at most four."""
    slots = d.op("Slice", d.weight(4, d.hidden), d.ints(0), d.length, d.ints(0))
    scores = d.op("MatMul", x, d.op("Transpose", slots, perm=[1, 0]))
    return d.op("MatMul", d.op("Softmax", scores, axis=-1), slots)


def branches(d, x):
    """If on the length."""
    long = d.op("Greater", d.op("Squeeze", d.length, d.ints(0)), scalar(d, 5))
    body = lambda kind: helper.make_graph([helper.make_node(kind, [x], [f"{kind}_{d.count}"], name=f"{kind}_{d.count}")], kind, [],
                                          [helper.make_tensor_value_info(f"{kind}_{d.count}", TensorProto.FLOAT, None)])
    return d.op("If", long, then_branch=body("Tanh"), else_branch=body("Neg"))


def scanned(d, x, direction=0):
    """Scan: a running sum."""
    add = helper.make_node("Add", ["s_in", "x_in"], ["s_out"])
    keep = helper.make_node("Identity", ["s_out"], ["y_out"])
    info = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    body = helper.make_graph([add, keep], "body", [info("s_in"), info("x_in")], [info("s_out"), info("y_out")])
    zero = d.op("Mul", d.op("ReduceSum", cut(d, x, 0, 1), d.ints(1), keepdims=0), d.number(0))
    return d.op("Scan", zero, x, outputs=2, body=body, num_scan_inputs=1, scan_input_axes=[1], scan_output_axes=[1],
                scan_input_directions=[direction], scan_output_directions=[direction])[1]


def scrambled(d, x):
    """[B, N, D] read as [N, B, D] and back, with a sum over the first axis on the way."""
    shape = d.op("Concat", d.length, d.batch, d.ints(d.hidden), axis=0)
    other = d.op("Reshape", x, shape)
    mean = d.op("ReduceMean", other, axes=[2], keepdims=1)
    return d.op("Reshape", d.op("Expand", d.op("Transpose", d.op("Transpose", mean, perm=[1, 0, 2]), perm=[0, 1, 2]),
                                d.op("Concat", d.batch, d.length, d.ints(1), axis=0)),
                d.op("Concat", d.batch, d.length, d.ints(1), axis=0))


def swapped(d, x):
    """A mean over what is the batch after a Reshape that keeps the count only."""
    shape = d.op("Concat", d.length, d.batch, d.ints(d.hidden), axis=0)
    other = d.op("Reshape", x, shape)
    return d.op("Reshape", other, d.op("Concat", d.batch, d.length, d.ints(d.hidden), axis=0))


def transposed_reshape(d, x):
    shape = d.op("Concat", d.batch, d.length, d.ints(d.hidden), axis=0)
    return d.op("Reshape", d.op("Transpose", x, perm=[1, 0, 2]), shape)


def feature_reshape(d, x):
    """[B, D, N] read as [B, N, D]: features and positions change places."""
    return d.op("Reshape", d.op("Transpose", x, perm=[0, 2, 1]), d.op("Concat", d.batch, d.length, d.ints(d.hidden), axis=0))


def gathered(d, x, places):
    return d.op("Gather", x, places(d), axis=1)


def places(d, how):
    """int64 [N] from the positions."""
    return how(d.range)


def by_token(d, x):
    """Rows chosen by the tokens themselves, modulo 3."""
    ids = d.op("Unsqueeze", d.op("Mod", "input_ids", d.op("Min", scalar(d, 3), d.op("Squeeze", d.length, d.ints(0)))), d.ints(2))
    wide = d.op("Expand", ids, d.op("Shape", x))
    return d.op("GatherElements", x, wide, axis=1)


def scattered(d, x):
    """The last row is written over the first."""
    last = cut(d, x, -1, FAR)
    at = d.op("Expand", d.ints(0), d.op("Shape", last))
    return d.op("ScatterElements", x, at, last, axis=1)


def prefix_language_model(d, x):
    """Attention of its own: the first three columns are open to all."""
    rows, columns = d.op("Unsqueeze", d.range, d.ints(1)), d.op("Unsqueeze", d.range, d.ints(0))
    return own_attention(d, x, d.op("Or", d.op("LessOrEqual", columns, rows), d.op("Less", columns, scalar(d, 3))))


def own_attention(d, x, allowed, low=-1e9, axis=-1, bias=None):
    scores = d.op("MatMul", x, d.op("Transpose", d.op("MatMul", x, d.weight(d.hidden, d.hidden)), perm=[0, 2, 1]))
    if bias:
        scores = d.op("Add", scores, bias)
    weights = d.op("Softmax", d.op("Where", allowed, scores, d.number(low)), axis=axis)
    if axis == -2:
        weights = d.op("Transpose", weights, perm=[0, 2, 1])
    return d.op("MatMul", weights, x)


def grid(d):
    return d.op("Unsqueeze", d.range, d.ints(1)), d.op("Unsqueeze", d.range, d.ints(0))


def masked_by(how, **more):
    def mixer(d, x):
        rows, columns = grid(d)
        return own_attention(d, x, how(d, rows, columns), **more)
    return mixer


def count(d):
    return d.op("Squeeze", d.length, d.ints(0))


def from_the_end(d, rows, columns):
    """Only the last four columns of all, and a row's own."""
    return d.op("Or", d.op("Equal", rows, columns),
                d.op("And", d.op("LessOrEqual", columns, rows), d.op("Greater", columns, d.op("Sub", count(d), scalar(d, 4)))))


def linear_attention(d, x, normal=False, causal=True):
    """(Q Kᵀ · triangle) V without a softmax."""
    scores = d.op("MatMul", x, d.op("Transpose", x, perm=[0, 2, 1]))
    if causal:
        scores = d.op("Trilu", scores, upper=0)
    if normal:
        scores = d.op("Div", scores, d.op("Add", d.op("ReduceSum", d.op("Abs", scores), d.ints(-1), keepdims=1), d.number(1)))
    return d.op("MatMul", scores, x)


def state(d, x, causal):
    """Kᵀ V over all positions, or accumulated."""
    outer = d.op("Mul", d.op("Unsqueeze", x, d.ints(3)), d.op("Unsqueeze", d.op("Tanh", x), d.ints(2)))
    summed = cumulative(d, outer) if causal else d.op("ReduceSum", outer, d.ints(1), keepdims=1)
    return d.op("Squeeze", d.op("MatMul", d.op("Unsqueeze", x, d.ints(2)), summed), d.ints(2))


def alibi_from_end(d, x):
    """A bias j - (N - 1): it differs from j by what is the same along the row."""
    rows, columns = grid(d)
    bias = d.op("Cast", d.op("Sub", d.op("Add", columns, scalar(d, 1)), count(d)), to=TensorProto.FLOAT)
    return own_attention(d, x, d.op("LessOrEqual", columns, rows), bias=bias)


def scaled_by_end(d, x):
    rows, columns = grid(d)
    bias = d.op("Div", d.op("Cast", columns, to=TensorProto.FLOAT), length(d))
    return own_attention(d, x, d.op("LessOrEqual", columns, rows), bias=bias)


LOWER, UPPER = np.tril, np.triu

MIXERS = {
    "conv_causal": conv(2, 0), "conv_same": conv(1, 1), "conv_ahead": conv(0, 2), "conv_dilated": conv(4, 0, dilation=2),
    "conv_depthwise": conv(2, 0, groups=True), "conv_one": conv(0, 0, width=1),
    "pool_max_causal": pool("MaxPool", 2, 0), "pool_max": pool("MaxPool", 1, 1), "pool_mean_causal": pool("AveragePool", 2, 0),
    "pool_mean": pool("AveragePool", 1, 1),
    "pool_global": lambda d, x: channels(d, x, lambda y: d.op("GlobalAveragePool", y)),
    "cumsum": cumulative, "cumsum_exclusive": lambda d, x: cumulative(d, x, exclusive=1),
    "cumsum_reverse": lambda d, x: cumulative(d, x, reverse=1),
    "cumsum_batch": lambda d, x: d.op("CumSum", x, scalar(d, 2)),
    "running_mean": lambda d, x: over_positions(d, cumulative(d, x), lambda p: d.op("Reciprocal", d.op("Add", p, d.number(1)))),
    "cumsum_over_length": lambda d, x: d.op("Div", cumulative(d, x), length(d)),
    "shift": lambda d, x: shifted(d, x, 1), "shift_three": lambda d, x: shifted(d, x, 3),
    "shift_concat": lambda d, x: d.op("Concat", d.op("Mul", cut(d, x, 0, 1), d.number(0)), cut(d, x, 0, -1), axis=1),
    "shift_ahead": lambda d, x: cut(d, d.op("Pad", x, d.ints(0, 0, 0, 0, 1, 0)), 1, FAR),
    "shift_edge": lambda d, x: cut(d, d.op("Pad", x, d.ints(0, 1, 0, 0, 0, 0), mode="edge"), 0, -1),
    "shift_reflect": lambda d, x: cut(d, d.op("Pad", x, d.ints(0, 0, 0, 0, 1, 0), mode="edge"), 1, FAR),
    "roll": lambda d, x: d.op("Concat", cut(d, x, -1, FAR), cut(d, x, 0, -1), axis=1),
    "mean": lambda d, x: d.op("ReduceMean", x, axes=[1], keepdims=1), "max": lambda d, x: d.op("ReduceMax", x, axes=[1], keepdims=1),
    "sum": lambda d, x: d.op("ReduceSum", x, d.ints(1), keepdims=1), "l2": lambda d, x: d.op("ReduceL2", x, axes=[1], keepdims=1),
    "argmax": lambda d, x: d.op("Cast", d.op("ArgMax", x, axis=1), to=TensorProto.FLOAT),
    "softmax_time": lambda d, x: d.op("Softmax", x, axis=1), "softmax_features": lambda d, x: d.op("Softmax", x, axis=-1),
    "norm_time": lambda d, x: channels(d, x, lambda y: d.op("LpNormalization", y, axis=-1)),
    "norm_instance": lambda d, x: channels(d, x, lambda y: d.op("InstanceNormalization", y, d.weight(d.hidden), d.weight(d.hidden))),
    "norm_both": lambda d, x: d.op("Div", x, d.op("Sqrt", d.op("ReduceMean", d.op("Mul", x, x), axes=[1, 2], keepdims=1))),
    "norm_mean_variance": lambda d, x: d.op("Squeeze", d.op("MeanVarianceNormalization", d.op("Unsqueeze", x, d.ints(0)), axes=[2]), d.ints(0)),
    "reverse": lambda d, x: cut(d, x, -1, -FAR, -1), "reverse_twice": lambda d, x: cut(d, cut(d, x, -1, -FAR, -1), -1, -FAR, -1),
    "every_second": lambda d, x: d.op("ReduceMean", cut(d, x, 0, FAR, 2), axes=[1], keepdims=1),
    "scale_length": lambda d, x: d.op("Mul", x, length(d)), "scale_inverse": lambda d, x: d.op("Div", x, d.op("Sqrt", length(d))),
    "scale_position": lambda d, x: over_positions(d, x, lambda p: d.op("Sin", p)),
    "scale_from_end": lambda d, x: over_positions(d, x, lambda p: d.op("Sin", d.op("Sub", length(d), p))),
    "scale_relative": lambda d, x: over_positions(d, x, lambda p: d.op("Div", p, length(d))),
    "scale_long": lambda d, x: d.op("Where", d.op("Greater", count(d), scalar(d, 5)), x, d.op("Neg", x)),
    "table_from_end": lambda d, x: d.op("Slice", d.weight(LONGEST, d.hidden), d.op("Neg", d.length), d.ints(FAR), d.ints(0)),
    "last": lambda d, x: cut(d, x, -1, FAR), "first": lambda d, x: cut(d, x, 0, 1),
    "last_gathered": lambda d, x: gathered(d, x, lambda d: d.op("Sub", d.length, d.ints(1))),
    "first_gathered": lambda d, x: gathered(d, x, lambda d: d.ints(0)),
    "middle": lambda d, x: gathered(d, x, lambda d: d.op("Div", d.length, d.ints(2))),
    "gather_same": lambda d, x: gathered(d, x, lambda d: d.range),
    "gather_before": lambda d, x: gathered(d, x, lambda d: d.op("Max", d.op("Sub", d.range, scalar(d, 1)), scalar(d, 0))),
    "gather_after": lambda d, x: gathered(d, x, lambda d: d.op("Min", d.op("Add", d.range, scalar(d, 1)), d.op("Sub", count(d), scalar(d, 1)))),
    "gather_wraps": lambda d, x: gathered(d, x, lambda d: d.op("Sub", d.range, scalar(d, 1))),
    "gather_backwards": lambda d, x: gathered(d, x, lambda d: d.op("Sub", d.op("Sub", count(d), d.range), scalar(d, 1))),
    "gather_half": lambda d, x: gathered(d, x, lambda d: d.op("Div", d.range, scalar(d, 2))),
    "gather_few": lambda d, x: d.op("ReduceMean", gathered(d, x, lambda d: d.op("Slice", d.range, d.ints(0), d.ints(4), d.ints(0))), axes=[1], keepdims=1),
    "gather_by_token": by_token, "scatter_last": scattered,
    "few_mean": lambda d, x: first_few(d, x, lambda y: d.op("ReduceMean", y, axes=[1], keepdims=1)),
    "few_attention": attend_few, "memory": memory,
    "linear_causal": linear(LOWER), "linear_anti": linear(UPPER), "linear_full": linear(lambda m: m),
    "linear_from_end": linear(LOWER, from_end=True), "linear_strict": linear(lambda m: LOWER(m, -1)), "linear_ahead": linear(lambda m: LOWER(m, 1)),
    "lstm": recurrent("LSTM", 4), "gru": recurrent("GRU", 3), "rnn": recurrent("RNN", 1), "rnn_reverse": recurrent("RNN", 1, "reverse"),
    "lstm_both": recurrent("LSTM", 4, "bidirectional"),
    "branch": branches, "scan": scanned, "scan_reverse": lambda d, x: scanned(d, x, 1),
    "scrambled": scrambled, "swapped": swapped, "transposed_reshape": transposed_reshape, "feature_reshape": feature_reshape,
    "prefix_lm": prefix_language_model,
    "mask_from_end": masked_by(from_the_end),
    "mask_transposed": masked_by(lambda d, r, c: d.op("GreaterOrEqual", c, r)),
    "mask_wrong_axis": masked_by(lambda d, r, c: d.op("LessOrEqual", c, r), axis=-2),
    "mask_right_axis": masked_by(lambda d, r, c: d.op("GreaterOrEqual", c, r), axis=-2),
    "mask_weak": masked_by(lambda d, r, c: d.op("LessOrEqual", c, r), low=-5.0),
    "mask_chunks": masked_by(lambda d, r, c: d.op("Equal", d.op("Div", r, scalar(d, 4)), d.op("Div", c, scalar(d, 4)))),
    "mask_chunks_causal": masked_by(lambda d, r, c: d.op("And", d.op("LessOrEqual", c, r), d.op("Equal", d.op("Div", r, scalar(d, 4)), d.op("Div", c, scalar(d, 4))))),
    "mask_dilated": masked_by(lambda d, r, c: d.op("And", d.op("LessOrEqual", c, r), d.op("Equal", d.op("Mod", d.op("Sub", r, c), scalar(d, 2)), scalar(d, 0)))),
    "mask_even_columns": masked_by(lambda d, r, c: d.op("And", d.op("LessOrEqual", c, r), d.op("Equal", d.op("Mod", c, scalar(d, 2)), scalar(d, 0)))),
    "mask_own": masked_by(lambda d, r, c: d.op("Equal", c, r)),
    "mask_before_or_last": masked_by(lambda d, r, c: d.op("Or", d.op("LessOrEqual", c, r), d.op("Equal", c, d.op("Sub", count(d), scalar(d, 1))))),
    "mask_by_token": masked_by(lambda d, r, c: d.op("And", d.op("LessOrEqual", c, r), d.op("Or", d.op("Equal", c, r), d.op("Unsqueeze", d.op("Greater", "input_ids", scalar(d, 9)), d.ints(1))))),
    "mask_by_token_open": masked_by(lambda d, r, c: d.op("Or", d.op("LessOrEqual", c, r), d.op("Unsqueeze", d.op("Greater", "input_ids", scalar(d, 9)), d.ints(1)))),
    "linear_attention": linear_attention, "linear_attention_normal": lambda d, x: linear_attention(d, x, True),
    "linear_attention_open": lambda d, x: linear_attention(d, x, causal=False),
    "state_running": lambda d, x: state(d, x, True), "state_whole": lambda d, x: state(d, x, False),
    "alibi_from_end": alibi_from_end, "bias_over_length": scaled_by_end,
    "quantised": lambda d, x: d.op("DequantizeLinear", d.op("QuantizeLinear", x, d.number(0.05), d.constant(np.int8(0))), d.number(0.05), d.constant(np.int8(0))),
    "top": lambda d, x: d.op("ReduceSum", d.op("TopK", x, d.ints(1), axis=1, outputs=2)[0], d.ints(1), keepdims=1),
    "einsum_triangle": lambda d, x: d.op("Einsum", d.op("Trilu", d.op("MatMul", x, d.op("Transpose", x, perm=[0, 2, 1])), upper=0), x, equation="bqk,bkd->bqd"),
    "einsum_open": lambda d, x: d.op("Einsum", x, x, x, equation="bqe,bke,bkd->bqd"),
    "concat_before": lambda d, x: d.op("Slice", d.op("Concat", x, x, axis=1), d.length, d.ints(FAR), d.ints(1)),
    "concat_doubled": lambda d, x: d.op("Slice", d.op("Concat", x, x, axis=1), d.op("Sub", d.length, d.ints(1)), d.ints(-1), d.ints(1)),
    "any_token": lambda d, x: d.op("Where", d.op("Greater", d.op("ReduceMax", "input_ids", axes=[1], keepdims=0), scalar(d, 15)), d.number(1), d.number(2)) and
        d.op("Mul", x, d.op("Cast", d.op("Unsqueeze", d.op("ReduceMax", "input_ids", axes=[1], keepdims=1), d.ints(2)), to=TensorProto.FLOAT)),
    "random": lambda d, x: d.op("Mul", x, d.op("RandomUniformLike", x)),
}
