"""kv-cache on transformers that are drawn: rewritten against original in ONNX Runtime; what is not causal is refused."""

import json
import re
import subprocess

import contract
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from attention_operators import Operator
from small_transformers import LONGEST, MUTANTS, VOCABULARY, Draw
from time_mixers import MIXERS



def drawn(short, all_of_them):
    """Seeds; those beyond the first few are for `make test-long`."""
    return [seed if seed < short else pytest.param(seed, marks=pytest.mark.long) for seed in range(all_of_them)]


LEVELS = (ort.GraphOptimizationLevel.ORT_DISABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)


def session(model, level):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = level
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def rewritten(model, scratch):
    """What xf-opt writes, with its caches; no caches where it refused, and then the reason."""
    before, after = scratch / "before.onnx", scratch / "after.onnx"
    onnx.save(model, before)
    done = subprocess.run([contract.BIN / "xf-opt", before, "--passes=kv-cache", "-o", after], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = onnx.load(after)
    caches = [json.loads(prop.value) for prop in result.metadata_props if prop.key == "xfa.cache"]
    return result, caches[0] if caches else [], done.stderr


def masks(run, tokens, pad):
    """The mask input, if there is one: row 0 begins with `pad` that are no tokens."""
    mask = np.ones_like(tokens)
    mask[0, :pad] = 0
    return {"attention_mask": mask} if any(value.name == "attention_mask" for value in run.get_inputs()) else {}


def decode(run, caches, tokens, chunks, pad=0):
    """Logits of the tokens, taken in chunks through the cache."""
    shapes = {value.name: value.shape for value in run.get_inputs()}
    names = [value.name for value in run.get_outputs()]
    sizes = lambda c: [0 if axis == c["time_axis"] else tokens.shape[0] if axis == c["batch_axis"] else dim
                       for axis, dim in enumerate(shapes[c["past"]])]
    types = {value.name: {"tensor(bool)": bool}.get(value.type, np.float32) for value in run.get_inputs()}
    kept = {c["past"]: np.zeros(sizes(c), types[c["past"]]) for c in caches}
    logits, done = [], 0
    for size in chunks:
        feed = {name: mask[:, :done + size] for name, mask in masks(run, tokens, pad).items()}
        out = dict(zip(names, run.run(names, {"input_ids": tokens[:, done:done + size], **feed, **kept})))
        logits.append(out["logits"])
        kept = {c["past"]: out[c["present"]] for c in caches}
        done += size
    return np.concatenate(logits, axis=1)


def agree(original, run, caches, rng, what):
    """Any split of a few sequences gives the logits of the whole; what a row of padding says is nobody's business."""
    plans = [(1, [9], 0), (2, [4, 1, 1], 0), (3, [2, 3, 1, 2], 0), (1, [1] * 6, 0)]
    if masks(run, np.zeros((1, 1), np.int64), 0):
        plans += [(2, [6, 1, 1, 3], 2), (3, [4] + [1] * 5, 3)]
    for batch, chunks, pad in plans:
        tokens = rng.integers(0, VOCABULARY, (batch, sum(chunks)))
        assert tokens.shape[1] <= LONGEST
        want = original.run(None, {"input_ids": tokens, **masks(run, tokens, pad)})[0]
        got = decode(run, caches, tokens, chunks, pad)
        got[0, :pad] = want[0, :pad]
        np.testing.assert_allclose(got, want, atol=1e-4 * max(1, np.abs(want).max()), err_msg=what)


@pytest.mark.parametrize("seed", drawn(60, 600))
def test_causal(seed, tmp_path):
    draw = Draw(seed)
    model = draw.model()
    cached, caches, why = rewritten(model, tmp_path)
    assert caches, f"{draw}: {why}"
    onnx.checker.check_model(cached, full_check=True)
    assert sum(c["bytes_per_token"] for c in caches) == 2 * draw.layers * draw.kv_heads * draw.width * 4, f"{draw}: {caches}"
    rng = np.random.default_rng(seed)
    original = session(model, LEVELS[0])
    for level in LEVELS:
        run = session(cached, level)
        agree(original, run, caches, rng, str(draw))


@pytest.mark.parametrize("seed", drawn(36, 360))
def test_mutants_are_refused(seed, tmp_path):
    draw = Draw(1000 + seed, MUTANTS[seed % len(MUTANTS)])
    _, caches, why = rewritten(draw.model(), tmp_path)
    assert not caches, f"{draw}: rewritten"
    assert "refused" in why and "kv-cache" in why, why


def moved(run, tokens):
    """What the logits depend on beside what stands before them: later tokens, the length, chance; nothing."""
    logits = lambda x: run.run(None, {"input_ids": x, **masks(run, x, 0)})[0]
    base = logits(tokens)
    if np.abs(logits(tokens) - base).max() > 1e-6:
        return "chance"
    for column in range(1, tokens.shape[1]):
        changed = tokens.copy()
        changed[:, column] = (changed[:, column] + 11) % VOCABULARY
        if np.abs(logits(changed) - base)[:, :column].max() > 1e-4:
            return "later tokens"
    if any(np.abs(logits(tokens[:, :size]) - base[:, :size]).max() > 1e-4 for size in (1, 2, 3, 5, 8)):
        return "length"
    return None


# Causal, yet refused: they take a row of another place, or run an operator or a body that no rule follows.
NOT_FOLLOWED = {"pool_max_causal", "pool_mean_causal", "shift_concat", "shift_edge", "reverse_twice", "first", "first_gathered", "gather_before",
                "gather_half", "lstm", "gru", "rnn", "scan", "scrambled", "swapped", "mask_even_columns", "alibi_from_end", "concat_before"}
# Beside a padding mask that they do not look at, these would carry padding into rows that are none.
BLIND = {"conv_causal", "conv_dilated", "conv_depthwise", "cumsum", "cumsum_exclusive", "running_mean", "shift", "shift_three", "state_running",
         "linear_causal", "linear_strict", "mask_right_axis", "mask_chunks_causal", "mask_dilated", "mask_by_token", "linear_attention",
         "linear_attention_normal", "einsum_triangle"}


@pytest.mark.parametrize("attends, padding", [(True, "none"), (False, "none"), (True, "and")], ids=["beside", "alone", "padded"])
@pytest.mark.parametrize("name", MIXERS)
def test_mixing_that_is_no_attention(name, attends, padding, tmp_path):
    draw = Draw(11, mixer=MIXERS[name])
    draw.layers, draw.attends, draw.padding = 2, attends, padding
    model = draw.model()
    original = session(model, LEVELS[0])
    found = moved(original, np.random.default_rng(3).integers(0, VOCABULARY, (2, 9)))
    cached, caches, why = rewritten(model, tmp_path)
    if found or name in NOT_FOLLOWED or (padding != "none" and name in BLIND):
        assert not caches, f"depends on {found}, yet rewritten"
        assert re.search(r"refused: kv-cache: '\w+ \(\w+\)': \w", why), why
        return
    if not caches:  # nothing mixes positions
        assert not attends and "nothing to keep" in why, why
        return
    for level in LEVELS:
        agree(original, session(cached, level), caches, np.random.default_rng(1), name)


def test_mask_in_another_file(tmp_path):
    """Where that is absent, it is supposed to be causal, and that is said; the verdict stays unknown."""
    draw = next(each for each in map(Draw, range(100)) if each.mask == "buffer")
    model = draw.model()
    original = session(model, LEVELS[0])
    onnx.save(model, tmp_path / "before.onnx", save_as_external_data=True, location="weights.bin", size_threshold=512, convert_attribute=True)
    mask = next(each for each in model.graph.initializer if each.data_type == onnx.TensorProto.BOOL)
    assert not mask.raw_data, "the mask lies in the other file"
    (tmp_path / "weights.bin").rename(tmp_path / "absent")
    done = subprocess.run([contract.BIN / "xf-opt", tmp_path / "before.onnx", "--passes=kv-cache", "-o", tmp_path / "after.onnx"], capture_output=True, text=True)
    (tmp_path / "absent").rename(tmp_path / "weights.bin")
    assert f"note: kv-cache: assumes: the elements of '{mask.name}'" in done.stderr, done.stderr
    assert "are 0 above the diagonal and 1 on it" in done.stderr, done.stderr
    cached = onnx.load(tmp_path / "after.onnx")
    caches = json.loads(next(prop.value for prop in cached.metadata_props if prop.key == "xfa.cache"))
    agree(original, session(cached, LEVELS[0]), caches, np.random.default_rng(1), str(draw))
    causal = contract.analyze(tmp_path / "before.onnx")["structure"]["causal"]
    assert causal["verdict"] == "unknown" and "another file" in causal["why"], causal


OPERATORS = [(kind, mask) for kind in ("four", "three", "multihead") for mask in ("flag", "added", "boolean", "window", "flag_and_bias", "open", "ahead")
             if (kind, mask) != ("multihead", "boolean")]


@pytest.mark.parametrize("seed", [1, 2, 4])
@pytest.mark.parametrize("kind, mask", OPERATORS)
def test_attention_as_one_operator(kind, mask, seed, tmp_path):
    draw = Operator(seed, kind, mask)
    if kind == "multihead":
        draw.kv_heads, draw.groups = draw.heads, 1
    model = draw.model()
    original = session(model, LEVELS[0])
    found = moved(original, np.random.default_rng(3).integers(0, VOCABULARY, (2, 9)))
    assert bool(found) == (mask in ("open", "ahead")), f"{draw}: depends on {found}"
    cached, caches, why = rewritten(model, tmp_path)
    if found:
        assert not caches, f"{draw}: rewritten"
        return
    assert caches, f"{draw}: {why}"
    assert sum(c["bytes_per_token"] for c in caches) == 2 * draw.layers * draw.kv_heads * draw.width * 4, f"{draw}: {caches}"
    for level in LEVELS:
        agree(original, session(cached, level), caches, np.random.default_rng(seed), str(draw))


INSIDE = "is attention as one operator that holds more than scores, softmax and product: it would have to be taken apart into them"
OWN = "its mask is not proved to show each row its own column"
NOT_REWRITTEN = ([("whole", mask, "proved", INSIDE) for mask in ("flag", "flag_and_bias", "added")] +
                 [("grouped", "flag", "proved", INSIDE), ("whole", "open", "refuted", "has no mask: row 0 sees column 1"),
                  ("whole", "ahead", "refuted", "the mask leaves row 0 open to column 1")] +
                 [(kind, "flag_and_strict", "unknown", OWN) for kind in ("four", "three", "multihead", "whole")] +
                 [(kind, "flag_and_length", "proved", "reads the length of the sequence") for kind in ("four", "three", "multihead")])


@pytest.mark.parametrize("kind, mask, verdict, why", NOT_REWRITTEN, ids=lambda each: each if " " not in each else "")
def test_operator_that_is_left(kind, mask, verdict, why, tmp_path):
    draw = Operator(1, kind, mask)
    draw.position = "none"
    if kind in ("multihead", "whole"):
        draw.kv_heads, draw.groups = draw.heads, 1
    model = draw.model()
    found = moved(session(model, LEVELS[0]), np.random.default_rng(3).integers(0, VOCABULARY, (2, 9)))
    assert found == {"open": "later tokens", "ahead": "later tokens", "flag_and_length": "length"}.get(mask), found
    _, caches, said = rewritten(model, tmp_path)
    assert not caches and re.search(r"refused: kv-cache: '\w+ \(\w+\)': " + re.escape(why), said), said
    assert contract.analyze(tmp_path / "before.onnx")["structure"]["causal"]["verdict"] == verdict
