"""kv-cache on transformers that are drawn: rewritten against original in ONNX Runtime; what is not causal is refused."""

import json
import subprocess

import contract
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from small_transformers import LONGEST, MUTANTS, VOCABULARY, Draw



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
    kept = {c["past"]: np.zeros(sizes(c), np.float32) for c in caches}
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
