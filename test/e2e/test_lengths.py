"""Values without tokens that change with the length of the sequence, by where they are read: never given a cache. The truth is measured."""

import numpy as np
import pytest
from onnx import TensorProto
from small_transformers import LONGEST, VOCABULARY, Draw
from test_kv_cache import LEVELS, agree, moved, rewritten, session
from time_mixers import FAR, count, grid, own_attention, scalar

FLOAT = TensorProto.FLOAT


def doubled(d):
    """0 … 2N - 1."""
    return d.op("Range", scalar(d, 0), d.op("Mul", count(d), scalar(d, 2)), scalar(d, 1))


def numbers(d, first, last):
    return d.constant(np.arange(first, last).astype(np.int64))


def column(d, x, values):
    """x scaled by a function of one integer a row: int64 [N]."""
    return d.op("Mul", x, d.op("Sin", d.op("Unsqueeze", d.op("Cast", values, to=FLOAT), d.ints(1))))


def rows(d, x, table):
    return d.op("Add", x, table)


def part(d, values, start, end, step=1):
    return d.op("Slice", values, start, end, d.ints(0), d.ints(step))


def second_row(d, values):
    """Row 1 of int64 [2 or 3, N], as [N]."""
    return d.op("Squeeze", part(d, values, d.ints(1), d.ints(2)), d.ints(0))


def biased(d, x, bias):
    return own_attention(d, x, d.op("LessOrEqual", *reversed(grid(d))), bias=bias)


def square(d):
    """[N, N] of a table of numbers."""
    table = d.constant(np.random.default_rng(5).standard_normal((LONGEST, LONGEST)).astype(np.float32))
    return d.op("Slice", table, d.ints(0, 0), d.op("Concat", d.length, d.length, axis=0), d.ints(0, 1))


def one_hot(d, places, low, high):
    return d.op("OneHot", places, count(d), d.constant(np.array([low, high], np.float32)))


def written(d, x, place):
    """x with a row of zeros at a place: by ScatterElements."""
    zeros = d.op("Mul", part_of(d, x), d.number(0))
    return d.op("ScatterElements", x, d.op("Expand", d.ints(place), d.op("Shape", zeros)), zeros, axis=1)


def part_of(d, x):
    """Constants of one row: [B, 1, D]."""
    return d.op("Expand", d.op("Unsqueeze", d.weight(1, d.hidden), d.ints(0)), d.op("Concat", d.batch, d.ints(1), d.ints(d.hidden), axis=0))


def written_by_number(d, x, place):
    turned = d.op("Transpose", x, perm=[1, 0, 2])
    row = d.op("Transpose", part_of(d, x), perm=[1, 0, 2])
    return d.op("Transpose", d.op("ScatterND", turned, d.constant(np.array([[place]], np.int64)), row), perm=[1, 0, 2])


def two_ends(d):
    return d.op("Concat", d.op("Sub", d.ints(64), d.length), d.length, axis=0)


MIXERS = {
    "tail": lambda d, x: column(d, x, part(d, doubled(d), d.length, d.ints(FAR))),
    "head": lambda d, x: column(d, x, part(d, doubled(d), d.ints(0), d.length)),
    "backwards": lambda d, x: column(d, x, part(d, part(d, doubled(d), d.ints(-1), d.ints(-FAR), -1), d.ints(0), d.length)),
    "halves": lambda d, x: column(d, x, second_row(d, d.op("Reshape", doubled(d), d.op("Concat", d.ints(2), d.length, axis=0)))),
    "thirds": lambda d, x: column(d, x, second_row(d, d.op("Reshape", part(d, numbers(d, 0, 100), d.ints(0), d.op("Mul", d.length, d.ints(3))),
                                                           d.op("Concat", d.ints(3), d.length, axis=0)))),
    "gather": lambda d, x: column(d, x, d.op("Gather", doubled(d), d.op("Sub", d.range, scalar(d, 1)))),
    "split": lambda d, x: rows(d, x, d.op("Split", d.weight(64, d.hidden), two_ends(d), outputs=2, axis=0)[1]),
    "table_end": lambda d, x: rows(d, x, part(d, d.weight(64, d.hidden), d.op("Sub", d.ints(64), d.length), d.ints(FAR))),
    "table_middle": lambda d, x: rows(d, x, part(d, d.weight(64, d.hidden), d.length, d.op("Add", d.length, d.length))),
    "table_backwards": lambda d, x: rows(d, x, part(d, d.weight(64, d.hidden), d.op("Sub", d.length, d.ints(1)), d.ints(-FAR), -1)),
    "table_row": lambda d, x: d.op("Mul", x, part(d, d.weight(64, d.hidden), d.length, d.op("Add", d.length, d.ints(1)))),
    "padded_front": lambda d, x: rows(d, x, d.op("Pad", d.weight(9, d.hidden), d.op("Concat", d.op("Sub", d.length, d.ints(9)), d.ints(0, 0, 0), axis=0))),
    "joined_behind": lambda d, x: column(d, x, part(d, d.op("Concat", d.range, numbers(d, 50, 60), axis=0), d.ints(2), d.op("Add", d.length, d.ints(2)))),
    "joined_before": lambda d, x: column(d, x, part(d, d.op("Concat", numbers(d, 50, 53), d.range, axis=0), d.ints(0), d.length)),
    "tiled": lambda d, x: column(d, x, part(d, d.op("Tile", numbers(d, 0, 3), d.length), d.ints(0), d.length)),
    "triangle": lambda d, x: biased(d, x, d.op("Trilu", square(d), d.op("Sub", d.ints(3), d.length))),
    "last_written": lambda d, x: written(d, x, -1),
    "last_written_by_number": lambda d, x: written_by_number(d, x, -1),
    "last_column_written": lambda d, x: biased(d, x, d.op("ScatterElements", square(d), d.op("Expand", d.ints(-1), d.op("Concat", d.length, d.ints(1), axis=0)),
                                                          d.op("Expand", d.number(5), d.op("Concat", d.length, d.ints(1), axis=0)), axis=1)),
    "first_written": lambda d, x: written(d, x, 0),
    "first_written_by_number": lambda d, x: written_by_number(d, x, 0),
    "one_hot": lambda d, x: biased(d, x, one_hot(d, d.op("Sub", d.range, scalar(d, 3)), 0, 5)),
}
CAUSAL = {"head", "joined_before", "tiled"}
# Causal, yet refused: what is written at a place of the sequence is not followed.
NOT_FOLLOWED = {"first_written", "first_written_by_number"}


@pytest.mark.parametrize("name", MIXERS)
def test_reads(name, tmp_path):
    draw = Draw(11, mixer=MIXERS[name])
    draw.layers, draw.padding = 2, "none"
    model = draw.model()
    original = session(model, LEVELS[0])
    found = moved(original, np.random.default_rng(3).integers(0, VOCABULARY, (2, 9)))
    assert found in (None, "length"), found
    assert (found is None) == (name in CAUSAL or name in NOT_FOLLOWED), "the case is none"
    cached, caches, why = rewritten(model, tmp_path)
    if found or name in NOT_FOLLOWED:
        assert not caches and "refused: kv-cache: 'n" in why, why
        return
    assert caches, why
    agree(original, session(cached, LEVELS[0]), caches, np.random.default_rng(1), name)
