"""What a proof may not take for granted: that visible scores stay above a fill, that a row is no padding, what an input is called, names.

The truth is measured, as in test_causality.
"""

import subprocess

import contract
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from small_transformers import VOCABULARY, Draw
from test_causality import FAR, Masked, check, verdict
from test_kv_cache import LEVELS, agree, moved, rewritten, session


class Shown(Masked):
    """A fill of -1e4 beside scores that `change` makes of the visible ones, by the row's position as a float [N, 1]."""

    def __init__(self, change, fill=-1e4):
        super().__init__()
        self.change, self.fill = change, fill

    def hidden_later(self, scores):
        rows, columns = self.op("Unsqueeze", self.range, self.ints(1)), self.op("Unsqueeze", self.range, self.ints(0))
        shown = self.change(self, scores, self.op("Cast", rows, to=TensorProto.FLOAT))
        return self.op("Where", self.op("LessOrEqual", columns, rows), shown, self.number(self.fill))


def less(make):
    return lambda d, scores, row: d.op("Sub", scores, make(d, row))


def again(count):
    """The scores, 2^count times."""
    def change(d, scores, row):
        for _ in range(count):
            scores = d.op("Add", scores, scores)
        return scores
    return change


def per_row(d, row):
    return d.op("Div", d.number(1), d.op("Add", d.op("Mul", row, d.number(5e4)), d.number(1)))


FALLS = {
    "linear": less(lambda d, row: d.op("Mul", row, d.number(2000))),
    "square": less(lambda d, row: d.op("Mul", d.op("Mul", row, row), d.number(300))),
    "exponential": less(lambda d, row: d.op("Exp", d.op("Mul", row, d.number(2)))),
    "length": less(lambda d, row: d.op("Mul", d.op("Cast", d.length, to=TensorProto.FLOAT), d.number(2000))),
    "from_the_end": less(lambda d, row: d.op("Mul", d.op("Sub", d.op("Cast", d.length, to=TensorProto.FLOAT), row), d.number(2000))),
    "times_the_row": lambda d, scores, row: d.op("Mul", scores, d.op("Mul", row, d.number(1e5))),
    "by_a_fraction": lambda d, scores, row: d.op("Div", scores, per_row(d, row)),
    "doubled": again(24),
}


@pytest.mark.parametrize("name", FALLS)
def test_visible_scores_that_fall_to_the_fill(name, tmp_path):
    check(Shown(FALLS[name]), tmp_path)


STAYS = {
    "above_a_far_fill": (less(lambda d, row: d.op("Mul", row, d.number(600))), -3e38),
    "rising": (lambda d, scores, row: d.op("Add", scores, d.op("Mul", row, d.number(0.5))), -1e4),
    "bounded": (less(lambda d, row: d.op("Min", row, d.number(100))), -1e4),
    "halved": (lambda d, scores, row: d.op("Div", scores, d.number(2)), -1e4),
}


@pytest.mark.parametrize("name", STAYS)
def test_visible_scores_that_stay_above_the_fill(name, tmp_path):
    check(Shown(*STAYS[name]), tmp_path, leaks=False)


@pytest.mark.parametrize("change", [again(40), lambda d, scores, row: again(40)(d, d.op("Where", d.op("Less", row, d.number(3)), scores, scores), row)])
def test_an_operand_that_is_met_twice_is_searched_once(change, tmp_path):
    """2^40 ways lead from the softmax to the product."""
    onnx.save(Shown(change).model(), tmp_path / "model.onnx")
    for tool in ("xf-analyze", "xf-opt"):
        command = [contract.BIN / tool, tmp_path / "model.onnx"] + (["--passes=kv-cache", "-o", tmp_path / "out.onnx"] if tool == "xf-opt" else [])
        assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def padded_behind(d, x):
    """x times 1, but for the last position: times 0."""
    ones = d.op("ConstantOfShape", d.length, value=helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]))
    return d.op("Mul", x, d.op("Unsqueeze", d.op("Slice", d.op("Pad", ones, d.ints(0, 1)), d.ints(1), d.ints(FAR)), d.ints(1)))


def test_padding_behind_makes_the_last_row_special(tmp_path):
    model = Draw(11, mixer=padded_behind).model()
    causal = verdict(model, tmp_path)
    assert "how long the sequence is" in causal["why"], causal
    _, caches, why = rewritten(model, tmp_path)
    assert not caches and "follow from the length" in why, why


class Padded(Draw):
    """Padding is hidden in one mask with later columns: by columns or by `rows`, in as many layers of two."""

    def __init__(self, layers=2, rows=False):
        super().__init__(11)
        self.padding, self.layers, self.rows, self.looking, self.asked = "and", 2, rows, layers, 0

    def masked(self, scores):
        op, ints = self.op, self.ints
        self.asked += 1
        shown = op("LessOrEqual", op("Unsqueeze", self.range, ints(0)), op("Unsqueeze", self.range, ints(1)))
        if self.asked <= self.looking:
            real = op("Unsqueeze", op("Cast", "attention_mask", to=TensorProto.BOOL), ints(1, 3) if self.rows else ints(1, 2))
            shown = op("And", shown, real)
        return op("Where", shown, scores, self.number(-1e9))


@pytest.mark.parametrize("padded", [Padded(layers=1), Padded(rows=True)], ids=["one_layer", "rows"])
def test_padding_that_a_layer_does_not_look_at(padded, tmp_path):
    _, caches, why = rewritten(padded.model(), tmp_path)
    assert not caches and "mixes positions without a mask, so padding would reach rows" in why, why


def test_padding_that_every_layer_looks_at(tmp_path):
    model = Padded().model()
    cached, caches, why = rewritten(model, tmp_path)
    assert "assumes: a row's own token is not padding" in why, why
    agree(session(model, LEVELS[0]), session(cached, LEVELS[0]), caches, np.random.default_rng(1), "padded")


def renamed(model, old, new):
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    for value in [*model.graph.input, *model.graph.initializer]:
        if value.name == old:
            value.name = new
    return model


@pytest.mark.parametrize("name", ["position_ids", "token_type_ids", "positions"])
def test_numbers_are_no_padding(name, tmp_path):
    """A proof that holds with 'attention_mask' as the input's name would have to assume that positions are 1."""
    model = Padded().model()
    assert verdict(model, tmp_path)["verdict"] == "proved"
    model = renamed(model, "attention_mask", name)
    assert verdict(model, tmp_path)["verdict"] == "unknown"
    assert not rewritten(model, tmp_path)[1]


def test_names_of_the_cache_that_are_taken(tmp_path):
    """xfa.cache names the inputs that were made."""
    draw = Draw(11)
    model = draw.model()
    for node, name in zip(model.graph.node, ["past_key_values.0.key", "present.0.value"]):
        model = renamed(model, node.output[0], name)
    cached, caches, why = rewritten(model, tmp_path)
    assert caches, why
    assert {each["past"] for each in caches} <= {value.name for value in cached.graph.input}
    assert {each["present"] for each in caches} <= {value.name for value in cached.graph.output}
    agree(session(model, LEVELS[0]), session(cached, LEVELS[0]), caches, np.random.default_rng(1), "names")


def turned(d, x):
    """com.microsoft.RotaryEmbedding from place 0 on: one number for all rows."""
    angles = np.arange(16)[:, None] * 0.3 ** np.arange(d.hidden // 2)
    return d.op("RotaryEmbedding", x, d.ints(0), d.constant(np.cos(angles).astype(np.float32)), d.constant(np.sin(angles).astype(np.float32)),
                domain="com.microsoft")


def test_rotation_from_a_place_on(tmp_path):
    draw = Draw(11, mixer=turned)
    draw.opsets = {**draw.opsets, "com.microsoft": 1}
    model = draw.model()
    assert moved(session(model, LEVELS[0]), np.random.default_rng(3).integers(0, VOCABULARY, (2, 9))) is None
    _, caches, why = rewritten(model, tmp_path)
    assert not caches and "takes the first row's position for that of all" in why, why


def test_a_mask_that_the_caller_may_replace(tmp_path):
    """An initialiser that is an input, too."""
    model = next(each for each in map(Draw, range(100)) if each.mask == "buffer").model()
    buffer = next(each for each in model.graph.initializer if each.data_type == TensorProto.BOOL)
    said = f"the input '{buffer.name}' is not given: it is what the file has"
    assert said not in verdict(model, tmp_path)["assumptions"]
    model.graph.input.append(helper.make_tensor_value_info(buffer.name, TensorProto.BOOL, list(buffer.dims)))
    causal = verdict(model, tmp_path)
    assert causal["verdict"] == "proved" and said in causal["assumptions"], causal
    assert said in rewritten(model, tmp_path)[2]


def test_a_fill_that_the_caller_gives(tmp_path):
    """Neither proved nor refuted: -1e9 hides, 0 does not."""
    model = Shown(lambda d, scores, row: scores).model()
    fill = next(each for each in model.graph.node if each.op_type == "Where").input[2]
    model.graph.initializer.remove(next(each for each in model.graph.initializer if each.name == fill))
    model.graph.input.append(helper.make_tensor_value_info(fill, TensorProto.FLOAT, []))
    assert verdict(model, tmp_path)["verdict"] == "unknown"
