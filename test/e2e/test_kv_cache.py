"""kv-cache on transformers that are drawn: rewritten against original in ONNX Runtime; what is not causal is refused."""

import json
import os
import subprocess

import contract
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from small_transformers import LONGEST, MUTANTS, VOCABULARY, Draw

COUNT = 500 if os.environ.get("XFA_LONG") else 60
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


def decode(run, caches, tokens, chunks):
    """Logits of the tokens, taken in chunks through the cache."""
    shapes = {value.name: value.shape for value in run.get_inputs()}
    names = [value.name for value in run.get_outputs()]
    sizes = lambda c: [0 if axis == c["time_axis"] else tokens.shape[0] if axis == c["batch_axis"] else dim
                       for axis, dim in enumerate(shapes[c["past"]])]
    kept = {c["past"]: np.zeros(sizes(c), np.float32) for c in caches}
    logits, done = [], 0
    for size in chunks:
        out = dict(zip(names, run.run(names, {"input_ids": tokens[:, done:done + size], **kept})))
        logits.append(out["logits"])
        kept = {c["past"]: out[c["present"]] for c in caches}
        done += size
    return np.concatenate(logits, axis=1)


@pytest.mark.parametrize("seed", range(COUNT))
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
        for batch, chunks in ((1, [9]), (2, [4, 1, 1]), (3, [2, 3, 1, 2]), (1, [1] * 6)):
            tokens = rng.integers(0, VOCABULARY, (batch, sum(chunks)))
            assert tokens.shape[1] <= LONGEST
            want = original.run(None, {"input_ids": tokens})[0]
            np.testing.assert_allclose(decode(run, caches, tokens, chunks), want, atol=1e-4 * max(1, np.abs(want).max()), err_msg=str(draw))


@pytest.mark.parametrize("seed", range(COUNT // 2))
def test_mutants_are_refused(seed, tmp_path):
    draw = Draw(1000 + seed, MUTANTS[seed % len(MUTANTS)])
    _, caches, why = rewritten(draw.model(), tmp_path)
    assert not caches, f"{draw}: rewritten"
    assert "refused" in why and "kv-cache" in why, why
