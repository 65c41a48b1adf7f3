"""Every spelling of a causal mask, and what it becomes with a place too many, one too few, and rows and columns swapped.

The truth is what a softmax sees in ONNX Runtime, for all lengths up to 6 and up to 3 positions of a cache. Proved: no row sees a later column
at any size. Refuted: the pair that is named is seen at one.
"""

import contract
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
WIDTH, LONGEST, PASTS = 4, 6, 3
FAR = 2**62


class Scores:
    """softmax(mask(x xᵀ)) x over past and new positions. move: columns that a row sees beyond its own; swap: rows and columns trade places."""

    def __init__(self, move=0, swap=False, past=False):
        self.move, self.past, self.nodes, self.weights = move, past, [], []
        joined = self.op("Concat", "past", "x", axis=1) if past else "x"
        self.scores = self.op("MatMul", "x", self.op("Transpose", joined, perm=[0, 2, 1]))
        size = lambda of: self.op("Gather", self.op("Shape", of), self.ints(1), axis=0)
        self.new, self.all = size("x"), size(joined)
        self.begin = self.op("Sub", self.all, self.new) if past else self.ints(0)
        self.square = self.op("Concat", self.new, self.all, axis=0)
        self.rows = self.op("Unsqueeze", self.range(self.begin, self.all), self.ints(1))
        self.columns = self.op("Unsqueeze", self.range(self.ints(0), self.all), self.ints(0))
        if swap:
            self.rows, self.columns = self.columns, self.rows
        self.swap, self.joined, self.inputs = swap, joined, []

    def op(self, kind, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=f"n{len(self.nodes)}", **attributes))
        return name

    def constant(self, value):
        self.weights.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.weights)}"))
        return self.weights[-1].name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def int(self, value):
        return self.constant(np.int64(value))

    def number(self, value):
        return self.constant(np.float32(value))

    def scalar(self, value):
        return self.op("Squeeze", value, self.ints(0))

    def range(self, start, end):
        return self.op("Range", self.scalar(start), self.scalar(end), self.int(1))

    def cast(self, value, to=FLOAT):
        return self.op("Cast", value, to=to)

    def seen(self):
        """The last column that a row sees, as int64 [rows, 1]."""
        return self.op("Add", self.rows, self.int(self.move))

    def ones(self, value=1.0, kind=FLOAT):
        return self.op("ConstantOfShape", self.square, value=helper.make_tensor("value", kind, [1], [value]))

    def diagonal(self, more=0):
        """k of a Trilu that keeps what is seen."""
        return self.scalar(self.op("Add", self.begin, self.ints(self.move + more)))

    def triangle(self, value, upper, k):
        if self.swap:
            upper = 1 - upper
        return self.op("Trilu", value, k, upper=upper)

    def table(self, fill, shape=16):
        """fill(seen) over a square constant, cut to rows and columns."""
        seen = np.tril(np.ones((shape, shape), bool), self.move)
        return self.cut(self.constant(fill(seen.T if self.swap else seen)))

    def cut(self, table):
        return self.op("Slice", table, self.op("Concat", self.begin, self.ints(0), axis=0), self.op("Concat", self.all, self.all, axis=0), self.ints(0, 1))

    def model(self, masked):
        weights = masked if isinstance(masked, tuple) else (self.op("Softmax", masked, axis=-1),)
        self.nodes.append(helper.make_node("Identity", [weights[0]], ["weights"]))
        self.nodes.append(helper.make_node("MatMul", [weights[0], self.joined], ["y"]))
        x = [helper.make_tensor_value_info("x", FLOAT, ["batch", "sequence", WIDTH])]
        if self.past:
            x.append(helper.make_tensor_value_info("past", FLOAT, ["batch", "before", WIDTH]))
        graph = helper.make_graph(self.nodes, "mask", x + self.inputs, [helper.make_tensor_value_info("y", FLOAT, ["batch", "sequence", WIDTH])], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return model


# What a row sees, as bool [rows, columns].
ALLOWED = {
    "less_or_equal": lambda s: s.op("LessOrEqual", s.columns, s.seen()),
    "less": lambda s: s.op("Less", s.columns, s.op("Add", s.seen(), s.int(1))),
    "greater_or_equal": lambda s: s.op("GreaterOrEqual", s.seen(), s.columns),
    "greater": lambda s: s.op("Greater", s.op("Add", s.seen(), s.int(1)), s.columns),
    "not_greater": lambda s: s.op("Not", s.op("Greater", s.columns, s.seen())),
    "not_less": lambda s: s.op("Not", s.op("Less", s.seen(), s.columns)),
    "difference": lambda s: s.op("GreaterOrEqual", s.op("Sub", s.seen(), s.columns), s.int(0)),
    "negated": lambda s: s.op("LessOrEqual", s.op("Neg", s.seen()), s.op("Neg", s.columns)),
    "as_floats": lambda s: s.op("LessOrEqual", s.cast(s.columns), s.cast(s.seen())),
    "half_between": lambda s: s.op("Less", s.cast(s.columns), s.op("Add", s.cast(s.seen()), s.number(0.5))),
    "as_int32": lambda s: s.op("LessOrEqual", s.cast(s.columns, TensorProto.INT32), s.cast(s.seen(), TensorProto.INT32)),
    "either": lambda s: s.op("Or", s.op("Less", s.columns, s.seen()), s.op("Equal", s.columns, s.seen())),
    "both": lambda s: s.op("And", s.op("LessOrEqual", s.columns, s.seen()), s.op("LessOrEqual", s.columns, s.op("Add", s.seen(), s.int(1)))),
    "largest": lambda s: s.op("Equal", s.op("Max", s.seen(), s.columns), s.seen()),
    "clipped": lambda s: s.op("Equal", s.op("Clip", s.op("Sub", s.columns, s.seen()), s.int(0), s.int(1)), s.int(0)),
    "truth_of_cast": lambda s: s.cast(s.cast(s.op("LessOrEqual", s.columns, s.seen())), BOOL),
    "chosen": lambda s: s.cast(s.op("Where", s.op("Greater", s.columns, s.seen()), s.int(0), s.int(1)), BOOL),
    "window": lambda s: s.op("And", s.op("LessOrEqual", s.columns, s.seen()), s.op("Greater", s.columns, s.op("Sub", s.seen(), s.int(3)))),
    "window_of_distance": lambda s: s.op("And", s.op("GreaterOrEqual", s.op("Sub", s.seen(), s.columns), s.int(0)),
                                         s.op("Less", s.op("Sub", s.seen(), s.columns), s.int(2))),
    "chunks": lambda s: s.op("And", s.op("LessOrEqual", s.columns, s.seen()),
                             s.op("Equal", s.op("Div", s.columns, s.int(2)), s.op("Div", s.rows, s.int(2)))),
    "counted": lambda s: s.op("LessOrEqual", s.op("CumSum", s.op("Sub", s.columns, s.op("Sub", s.columns, s.int(1))), s.int(1)),
                              s.op("Add", s.seen(), s.int(1))),
    "triangle": lambda s: s.cast(s.triangle(s.ones(), 0, s.diagonal()), BOOL),
    "triangle_of_integers": lambda s: s.op("Greater", s.triangle(s.ones(1, INT), 0, s.diagonal()), s.int(0)),
    "not_the_upper_triangle": lambda s: s.op("Not", s.cast(s.triangle(s.ones(), 1, s.diagonal(1) if not s.swap else s.op("Neg", s.diagonal(1))), BOOL)),
    "stored": lambda s: s.table(lambda seen: seen),
    "stored_integers": lambda s: s.cast(s.table(lambda seen: seen.astype(np.int64)), BOOL),
    "stored_bytes": lambda s: s.op("Equal", s.table(lambda seen: seen.astype(np.uint8)), s.constant(np.uint8(1))),
    "stored_hidden": lambda s: s.op("Not", s.table(lambda seen: ~seen)),
    "stored_and_compared": lambda s: s.op("And", s.table(lambda seen: seen), s.op("LessOrEqual", s.columns, s.seen())),
    "expanded": lambda s: s.op("Squeeze", s.op("Expand", s.op("Unsqueeze", s.op("LessOrEqual", s.columns, s.seen()), s.ints(0)),
                                                s.op("Concat", s.ints(1), s.square, axis=0)), s.ints(0)),
    "reshaped": lambda s: s.op("Reshape", s.op("Reshape", s.op("LessOrEqual", s.columns, s.seen()), s.ints(-1)), s.square),
}
# Scores of which what is hidden gets no weight.
FILLS = {
    "where": lambda s, allowed: s.op("Where", allowed, s.scores, s.number(-3e38)),
    "where_infinity": lambda s, allowed: s.op("Where", allowed, s.scores, s.number(-np.inf)),
    "hidden": lambda s, allowed: s.op("Where", s.op("Not", allowed), s.number(-1e9), s.scores),
    "added": lambda s, allowed: s.op("Add", s.scores, s.op("Where", allowed, s.number(0), s.number(-1e9))),
    "subtracted": lambda s, allowed: s.op("Sub", s.scores, s.op("Mul", s.op("Sub", s.number(1), s.cast(allowed)), s.number(1e9))),
    "scaled": lambda s, allowed: s.op("Add", s.scores, s.op("Mul", s.cast(s.op("Not", allowed)), s.number(-1e9))),
    "mixed": lambda s, allowed: s.op("Sub", s.op("Mul", s.scores, s.cast(allowed)), s.op("Mul", s.op("Sub", s.number(1), s.cast(allowed)), s.number(1e4))),
    "logarithm": lambda s, allowed: s.op("Add", s.scores, s.op("Log", s.cast(allowed))),
    "least": lambda s, allowed: s.op("Min", s.scores, s.op("Where", allowed, s.number(50), s.number(-1e9))),
    "weak": lambda s, allowed: s.op("Where", allowed, s.scores, s.number(-4)),
}
# Scores that are masked at once.
WHOLE = {
    "upper_fill": lambda s: s.op("Add", s.scores, s.triangle(s.ones(-1e9), 1, s.diagonal(1) if not s.swap else s.op("Neg", s.diagonal(1)))),
    "stored_fill": lambda s: s.op("Add", s.scores, s.table(lambda seen: np.where(seen, 0, -1e9).astype(np.float32))),
    "stored_infinity": lambda s: s.op("Add", s.scores, s.table(lambda seen: np.where(seen, 0, -np.inf).astype(np.float32))),
    "by_distance": lambda s: s.op("Sub", s.scores, s.op("Mul", s.cast(s.op("Relu", s.cast(s.op("Sub", s.columns, s.seen())))), s.number(1e9))),
}
CASES = ([(name, lambda s, make=make: FILLS["where"](s, make(s))) for name, make in ALLOWED.items()] +
         [(name, lambda s, fill=fill: fill(s, ALLOWED["less_or_equal"](s))) for name, fill in FILLS.items()] + list(WHOLE.items()))
MUTANTS = {"as_is": {}, "ahead": {"move": 1}, "strict": {"move": -1}, "swapped": {"swap": True}}
# Causal, and not proved: fractions of a place, and rows beside more columns read as one axis. (name, past)
NOT_PROVED = {("half_between", False), ("half_between", True), ("reshaped", True)}


def weights(model, past):
    """(past, [rows, columns]) for every size: what a softmax gives."""
    model.graph.output.append(helper.make_tensor_value_info("weights", FLOAT, None))
    options = ort.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    run = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(1)
    for length in range(1, LONGEST + 1):
        for before in range(PASTS + 1) if past else [0]:
            feed = {"x": random.standard_normal((1, length, WIDTH)).astype(np.float32) / 4}
            if past:
                feed["past"] = random.standard_normal((1, before, WIDTH)).astype(np.float32) / 4
            yield before, run.run(["weights"], feed)[0][0]


# With a cache there are not as many rows as columns, which could change places.
@pytest.mark.parametrize("mutant, past", [(mutant, past) for mutant in MUTANTS for past in (False, True) if not past or mutant != "swapped"])
@pytest.mark.parametrize("name, make", CASES, ids=[name for name, _ in CASES])
def test_spelling(name, make, mutant, past, tmp_path):
    scores = Scores(past=past, **MUTANTS[mutant])
    model = scores.model(make(scores))
    onnx.save(model, tmp_path / "mask.onnx")
    causal = contract.analyze(tmp_path / "mask.onnx")["structure"]["causal"]
    seen = list(weights(model, past))
    leaks = {(row, column) for before, each in seen for row, column in np.argwhere(each > 1e-6) if column > before + row}
    if mutant == "as_is" and name not in ("weak", "chunks"):
        assert not leaks, "the case is none"
    if leaks:
        assert causal["verdict"] != "proved", causal
    elif mutant == "as_is":
        assert (causal["verdict"] == "proved") == ((name, past) not in NOT_PROVED), causal
    if causal["verdict"] != "proved":
        assert not any("scores" in each for each in causal["assumptions"]), "what a proof assumed that failed"
    if causal["verdict"] == "refuted":
        assert tuple(causal["leak"]) in leaks, causal


def through_if(s, value):
    """value by either branch, whatever the length."""
    branch = lambda name: helper.make_graph([helper.make_node("Identity", [value], [name])], name, [], [helper.make_tensor_value_info(name, INT, None)])
    return s.op("If", s.op("Greater", s.scalar(s.all), s.int(3)), then_branch=branch("long"), else_branch=branch("short"))


@pytest.mark.parametrize("way", ["at once", "moved", "by a branch"])
def test_places_are_no_mask(way, tmp_path):
    """An input that chooses rows of a table is not 0 or 1, as one that marks padding is: here it would open every later column."""
    s = Scores()
    s.inputs = [helper.make_tensor_value_info(name, INT, ["batch", "sequence"]) for name in ("ids", "places")]
    rows = {"at once": lambda: "places", "moved": lambda: s.op("Add", "places", s.int(2)), "by a branch": lambda: through_if(s, "places")}[way]()
    table = s.constant(np.eye(16, WIDTH, dtype=np.float32))
    added = s.op("Add", s.op("Gather", table, "ids"), s.op("Gather", table, rows))
    hidden = s.op("And", s.op("Greater", s.columns, s.rows), s.op("Less", s.op("Unsqueeze", "places", s.ints(1)), s.int(2)))
    scores = s.op("MatMul", added, s.op("Transpose", added, perm=[0, 2, 1]))
    onnx.save(s.model(s.op("Where", hidden, s.number(-1e9), scores)), tmp_path / "places.onnx")
    assert contract.analyze(tmp_path / "places.onnx")["structure"]["causal"]["verdict"] != "proved"
