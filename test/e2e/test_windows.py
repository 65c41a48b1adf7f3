"""Sliding windows that are spelled as masks (T8): what is found is what ONNX Runtime's softmax leaves of a row's keys, and no window
is found where which keys a row sees depends on more than how far they are."""

import subprocess

import contract
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from architectures import Family, Mistral
from attention_operators import Operator
from onnx import TensorProto, helper
from small_transformers import VOCABULARY
from time_mixers import scalar

LOW = float(np.finfo(np.float32).min)


class Windowed(Family):
    """Masks by name, one a layer in turn."""
    fixed = {"groups": 1, "kv_heads": 2, "width": 4, "softmax": "op", "product": "separate"}

    def __init__(self, *names, padding="none", softmax="op"):
        super().__init__(3)
        self.names, self.seen, self.padding, self.softmax = names, 0, padding, softmax
        self.layers = max(2, len(names))

    def hidden_later(self, scores):
        self.scores = scores
        self.seen += 1
        return SPELLINGS[self.names[(self.seen - 1) % len(self.names)]](self)

    def weigh(self, scores):
        weights = super().weigh(scores)
        self.weights_of = getattr(self, "weights_of", []) + [weights]
        return weights

    def causal(self):
        rows, columns = self.grid()
        return self.op("LessOrEqual", columns, rows)

    def near(self, width):
        rows, columns = self.grid()
        return self.op("Greater", columns, self.op("Sub", rows, scalar(self, width)))

    def square(self):
        return self.op("Concat", self.length, self.length, axis=0)

    def ones(self):
        return self.op("ConstantOfShape", self.square(), value=helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]))

    def where(self, mask):
        return self.op("Where", mask, self.scores, self.number(LOW))

    def added(self, hidden):
        return self.op("Add", self.scores, self.op("Where", hidden, self.number(LOW), self.number(0)))


def tril_of_ones(s):
    """AttentionMaskConverter: an additive triangle, then everything up to the window's last diagonal is filled."""
    hidden = s.op("Cast", s.op("Trilu", s.ones(), s.constant(np.int64(-5)), upper=0), to=TensorProto.BOOL)
    mask = s.op("Where", s.causal(), s.number(0), s.number(LOW))
    return s.op("Add", s.scores, s.op("Where", hidden, s.number(LOW), mask))


def product_of_booleans(s):
    """A fill times (later or too far)."""
    rows, columns = s.grid()
    far = s.op("LessOrEqual", columns, s.op("Sub", rows, scalar(s, 6)))
    hidden = s.op("Cast", s.op("Or", s.op("Greater", columns, rows), far), to=TensorProto.FLOAT)
    return s.op("Add", s.scores, s.op("Mul", hidden, s.number(LOW)))


def buffer(s):
    """GPT-Neo: two triangles, one taken out of the other, cut to the length."""
    ones = np.ones((1, 1, 24, 24), bool)
    table = s.constant(np.bitwise_xor(np.tril(ones), np.tril(ones, -5)))
    return s.where(s.op("Slice", table, s.ints(0, 0), s.square(), s.ints(2, 3)))


def two_sided(s):
    """ModernBERT: as far to either side."""
    rows, columns = s.grid()
    return s.where(s.op("LessOrEqual", s.op("Abs", s.op("Sub", rows, columns)), scalar(s, 3)))


def chunks(s):
    """Llama 4: a row sees what is in its own chunk."""
    rows, columns = s.grid()
    same = s.op("Equal", s.op("Div", rows, scalar(s, 4)), s.op("Div", columns, scalar(s, 4)))
    return s.where(s.op("And", same, s.causal()))


def by_head(s):
    near = [s.op("Unsqueeze", s.op("And", s.causal(), s.near(width)), s.ints(0, 1)) for width in (3, 5)]
    return s.where(s.op("Concat", *near, axis=1))


def steep_slope(s):
    rows, columns = s.grid()
    bias = s.op("Mul", s.op("Cast", s.op("Sub", columns, rows), to=TensorProto.FLOAT), s.number(0.5))
    return s.op("Where", s.causal(), s.op("Add", s.scores, bias), s.number(LOW))


def far_only(s):
    """Hides the nearest, not the farthest."""
    rows, columns = s.grid()
    return s.where(s.op("Or", s.op("Equal", rows, columns), s.op("LessOrEqual", columns, s.op("Sub", rows, scalar(s, 4)))))


def first_is_kept(s):
    """Attention sinks: the first position stays in sight."""
    _, columns = s.grid()
    kept = s.op("Or", s.near(4), s.op("Less", columns, scalar(s, 1)))
    return s.where(s.op("And", s.causal(), kept))


def by_length(s):
    """Half of the sequence."""
    rows, columns = s.grid()
    half = s.op("Div", s.op("Squeeze", s.length, s.ints(0)), scalar(s, 2))
    return s.where(s.op("And", s.causal(), s.op("Greater", columns, s.op("Sub", rows, half))))


SPELLINGS = {
    "compared": lambda s: s.where(s.op("And", s.causal(), s.near(4))),
    "hidden in turn": lambda s: s.op("Where", s.near(4), s.op("Where", s.causal(), s.scores, s.number(LOW)), s.number(LOW)),
    "of one": lambda s: s.where(s.op("And", s.causal(), s.near(1))),
    "trilu": tril_of_ones,
    "trilu behind it": lambda s: s.op("Where", s.op("Cast", s.op("Trilu", s.ones(), s.constant(np.int64(-5)), upper=0), to=TensorProto.BOOL),
                                      s.number(LOW), s.added(s.op("Not", s.causal()))),
    "product": product_of_booleans,
    "buffer": buffer,
    "two-sided": two_sided,
    "full": lambda s: s.where(s.causal()),
    "chunks": chunks,
    "by head": by_head,
    "slope": steep_slope,
    "far": far_only,
    "sink": first_is_kept,
    "half": by_length,
}
WINDOWS = {"compared": 4, "hidden in turn": 4, "of one": 1, "trilu": 5, "trilu behind it": 5, "product": 6, "buffer": 5, "two-sided": 7}
NONE = ("full", "chunks", "by head", "slope", "far", "sink", "half")


def most_keys(model, weights, length=20):
    """The most keys of a row that get any weight, for each softmax, where every row but those at the ends has as many; else None."""
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in weights)
    run = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {value.name: np.ones((2, length), np.int64) for value in run.get_inputs()}
    feed["input_ids"] = np.random.default_rng(1).integers(0, VOCABULARY, (2, length))
    found = []
    for each in run.run(None, feed):
        counts = (each.reshape(-1, length, length) > 0).sum(axis=-1)[:, 8:-8]
        found.append(int(counts.max()) if counts.min() == counts.max() else None)
    return found


def structure_of(model, scratch):
    path = scratch / "model.onnx"
    onnx.save(model, path)
    return contract.analyze(path, "--at=B=2,N=20")


@pytest.mark.parametrize("softmax", ["op", "shifted", "written"])
@pytest.mark.parametrize("padding", ["none", "and", "additive"])
@pytest.mark.parametrize("name", WINDOWS)
def test_window(name, padding, softmax, tmp_path):
    draw = Windowed(name, padding=padding, softmax=softmax)
    model = draw.model()
    report = structure_of(model, tmp_path)
    structure = report["structure"]
    assert most_keys(model, draw.weights_of) == [WINDOWS[name]] * 2, "the case is none"
    assert (structure["window"], structure["windowed_layers"], structure["confidence"]) == (WINDOWS[name], 2, "recognised"), structure


@pytest.mark.parametrize("name", NONE)
def test_no_window(name, tmp_path):
    report = structure_of(Windowed(name).model(), tmp_path)
    assert (report["structure"]["window"], report["structure"]["windowed_layers"]) == (None, 0)
    assert "min(" not in report["ledgers"]["textbook"]["flops"]


def test_counts_of_a_window(tmp_path):
    """D 8, two heads of 4. T2, T5: four products of 2·8²; T6: two of 2·8·16; T3, T4: a score is 2·4·2 FLOPs and 1 + 1 + 3, the scale
    with it. A row has min(N, 4) of them a head; all rows read min(N, 4 + N - 1) = N keys and values (T8)."""
    report = structure_of(Windowed("compared", "full", "compared").model(), tmp_path)
    assert (report["structure"]["window"], report["structure"]["windowed_layers"]) == (4, 2)
    products, score = 4 * 2 * 8 * 8 + 2 * 2 * 8 * 16, 2 * (2 * 4 * 2 + 5)
    for n in (1, 3, 4, 20):
        point = {"B": 2, "N": n}
        textbook = report["ledgers"]["textbook"]
        assert contract.evaluate(textbook["flops"], point) == 2 * n * (3 * products + score * (n + 2 * min(n, 4)))
        rows = {row["role"]: row for row in textbook["roles"]}
        scores = 2 * n * 2 * (n + 2 * min(n, 4))
        assert contract.evaluate(rows["softmax"]["bytes"], point) == 4 * 2 * scores
        assert contract.evaluate(rows["qk"]["bytes"], point) == 4 * (scores + 3 * 2 * 2 * n * 8)


def test_windows_that_differ_are_reported(tmp_path):
    structure = structure_of(Windowed("compared", "trilu").model(), tmp_path)["structure"]
    assert structure["windowed_layers"] == 2 and structure["missing"] == ["layer 1 differs: window 5, not 4"]


def test_decoding_reads_the_window(tmp_path):
    """Of N positions in the cache a step reads the keys and values of min(N, 4) (T7, T8)."""
    path = tmp_path / "model.onnx"
    onnx.save(Windowed("compared").model(), path)
    roles = {row["role"]: row for row in contract.analyze(path, "--view=decode")["decode"]["textbook"]["roles"]}
    for n in (2, 4, 30):
        point, scores = {"B": 3, "N": n}, 2 * 3 * 2 * min(n, 4)
        assert contract.evaluate(roles["softmax"]["flops"], point) == 3 * scores
        assert contract.evaluate(roles["av"]["bytes"], point) == 4 * (scores + 2 * 3 * 8 * (min(n, 4) + 1))


@pytest.mark.parametrize("role", ["qk", "mask", "softmax", "av"])
def test_told_as_counted(role, tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(Windowed("compared").model(), path)
    report = contract.analyze(path, f"--explain={role}")
    text = str(report["explain"])
    assert "a sliding window: of N keys a row attends to min(N, W)" in text and "which differ" not in text, text


@pytest.mark.parametrize("seed", [0, 1])
def test_mistral(seed, tmp_path):
    structure = structure_of(Mistral(seed).model(), tmp_path)["structure"]
    assert (structure["window"], structure["windowed_layers"], structure["causal"]["verdict"]) == (4, 2, "proved")


@pytest.mark.parametrize("kind", ["four", "three", "multihead"])
def test_mask_of_an_operator(kind, tmp_path):
    structure = structure_of(Operator(2, kind, "window").model(), tmp_path)["structure"]
    assert structure["window"] == 4 and structure["windowed_layers"] == structure["layers"]
    assert structure_of(Operator(2, kind, "boolean").model(), tmp_path)["structure"]["window"] is None


@pytest.mark.parametrize("left, right, causal, window", [(3, -1, 1, 4), (3, 2, 0, 6), (3, 2, 1, 4), (3, -1, 0, None), (-1, -1, 1, None)])
def test_flags_of_an_operator(left, right, causal, window, tmp_path):
    """Attention of opset 25: so many positions before a row's own and after it."""
    (tmp_path / "model.onnxtxt").write_text(f"""
        <ir_version: 11, opset_import: ["" : 25]>
        g (float[B,4,N,8] q, float[B,4,N,8] k, float[B,4,N,8] v) => (float[B,4,N,8] y) {{
          y = Attention <left_window_size = {left}, right_window_size = {right}, is_causal = {causal}> (q, k, v)
        }}""")
    assert contract.analyze(tmp_path / "model.onnxtxt")["structure"]["window"] == window



def test_a_step_behind_a_cache(tmp_path):
    """Rows of a step stand behind P cached positions: what xf-opt makes of a windowed decoder has the window still."""
    before, after = tmp_path / "before.onnx", tmp_path / "after.onnx"
    onnx.save(Windowed("compared").model(), before)
    subprocess.run([contract.BIN / "xf-opt", before, "--passes=kv-cache", "--require-fired", "-o", after], check=True, capture_output=True)
    report = contract.analyze(after)
    assert (report["structure"]["window"], report["structure"]["windowed_layers"]) == (4, 2)
    rows = {row["role"]: row for row in report["ledgers"]["textbook"]["roles"]}
    for s, p in ((1, 0), (1, 9), (3, 2)):  # T8: s rows together read no more than 4 + s - 1 keys
        point, scores = {"B": 2, "S": s, "P": p}, 2 * 2 * 2 * s * min(s + p, 4)
        assert contract.evaluate(rows["qk"]["bytes"], point) == 4 * (scores + 2 * 2 * 8 * (s + min(s + p, 4 + s - 1)))
