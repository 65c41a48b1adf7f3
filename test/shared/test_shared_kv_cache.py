"""kv-cache on exports of the transformers that people use: each GPT-2 without a past gets one, at the cost of the export that has it."""

import json
import subprocess
import sys

import contract
import onnx
import pytest

FOLDER = contract.SHARED / "models"
NO_PAST = sorted(FOLDER.glob("gpt2*_nopast_*.onnx"))
WITH_PAST = [path for path in sorted(FOLDER.glob("*.onnx")) if any(part in path.stem for part in ("with_past", "withpast", "merged", "staticcache", "genai"))]
# One scale for all activations of a batch: what a row gives depends on later tokens.
DYNAMIC = {"gpt2_nopast_int8dyn_ort"}


def rewrite(model, out):
    done = subprocess.run([contract.BIN / "xf-opt", model, "--passes=kv-cache", "-o", out], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    caches = [json.loads(prop.value) for prop in onnx.load(out, load_external_data=False).metadata_props if prop.key == "xfa.cache"]
    return caches[0] if caches else [], done.stderr


@pytest.mark.parametrize("model", NO_PAST, ids=lambda path: path.stem)
def test_gpt2(model, tmp_path):
    caches, why = rewrite(model, tmp_path / "cached.onnx")
    if model.stem in DYNAMIC:
        assert not caches and "DynamicQuantizeLinear" in why, why
        return
    layers, hidden = (48, 1600) if "gpt2-xl" in model.stem else (12, 768)
    size = 2 if "fp16" in model.stem else 4
    assert len(caches) == 2 * layers, why
    assert sum(cache["bytes_per_token"] for cache in caches) == 2 * layers * hidden * size
    if "gpt2-xl" in model.stem:
        step = contract.analyze(tmp_path / "cached.onnx", "--dtype=fp16", "--view=decode")["decode"]["textbook"]
        for B in (1, 2, 7):
            for N in (1, 2, 33, 1024):
                assert contract.evaluate(step["flops"], {"B": B, "N": N}) == 2949504000 * B + 312000 * B * N
                assert contract.evaluate(step["bytes"], {"B": B, "N": N}) == 2949888000 + 3072000 * B + 316800 * B * N


@pytest.mark.parametrize("model", WITH_PAST, ids=lambda path: path.stem)
def test_a_cache_is_not_doubled(model, tmp_path):
    caches, why = rewrite(model, tmp_path / "same.onnx")
    assert not caches and "the graph has a cache already" in why, why


@pytest.mark.parametrize("name, layers, heads, width", [
    ("llama3-8b-2l_nopast_ts17", 2, 8, 128), ("llama3-8b-2l_nopast_dynamo18_eager", 2, 8, 128), ("mistral-7b-2l_nopast_dynamo18_eager", 2, 8, 128),
    ("falcon-40b-2l_nopast_dynamo18_eager", 2, 8, 64), ("starcoder2-3b-2l_nopast_dynamo18_eager", 2, 2, 128),
    ("mixtral-8x7b-2l_nopast_dynamo18_eager", 2, 8, 128), ("gemma3-1b-6l_nopast_dynamo20_sdpa", 6, 1, 256),
    ("granite-2b-2l_nopast_ts17_sdpa", 2, 8, 64), ("newops_llama_2l_nopast_dynamo23", 2, 8, 64)])
def test_heads_are_kept_before_they_are_expanded(name, layers, heads, width, tmp_path):
    caches, why = rewrite(FOLDER / f"{name}.onnx", tmp_path / "cached.onnx")
    assert sum(cache["bytes_per_token"] for cache in caches) == 2 * layers * heads * width * 4, f"{caches} {why}"


def test_the_check_of_the_suite():
    done = subprocess.run([sys.executable, contract.SHARED / "suites" / "kv_check.py", contract.BIN / "xf-opt", FOLDER / "kv"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
