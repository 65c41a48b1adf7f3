"""The seed's rows hold for models of other sizes and spellings: nothing is tied to GPT-2 XL."""

from dataclasses import replace

import contract
import numpy as np
import onnx
import onnxruntime
import pytest
from gpt_like import Shape, gpt_like, random_shape
from textbook_rules import check_full_pass, check_step

SEEDS = range(24)


def write(folder, model):
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("seed", SEEDS)
def test_full_pass(seed, tmp_path):
    s = random_shape(seed)
    report = contract.analyze(write(tmp_path, gpt_like(s, cache=False)), "--ledger=textbook")
    found = report["structure"]
    assert [found[key] for key in ("kind", "layers", "hidden", "heads", "head_dim", "mlp_hidden", "vocab", "activation")] == [
        "decoder", s.layers, s.width, s.heads, s.head_dim, s.mlp, s.vocabulary, s.activation]
    assert found["causal"]["verdict"] == "proved"
    check_full_pass(report["ledgers"]["textbook"], s.layers, s.width, s.heads, s.mlp, 2 if s.fp16 else 4)


@pytest.mark.parametrize("cache", [False, True], ids=["without_cache", "with_cache"])
@pytest.mark.parametrize("seed", SEEDS)
def test_decoding_step(seed, cache, tmp_path):
    s = random_shape(seed)
    report = contract.analyze(write(tmp_path, gpt_like(s, cache)), "--ledger=textbook", "--view=decode")
    check_step(report["decode"]["textbook"], s.layers, s.width, s.heads, s.mlp, 2 if s.fp16 else 4)


def test_gpt2_xl():
    report = contract.analyze(contract.MODELS / "gpt2-xl.onnx", "--ledger=textbook", "--view=summary,roles,decode")
    check_full_pass(report["ledgers"]["textbook"], 48, 1600, 25, 6400, 2)
    check_step(report["decode"]["textbook"], 48, 1600, 25, 6400, 2)


TINY = Shape(heads=3, head_dim=4, layers=2, mlp_ratio=3, vocabulary=17, positions=16)
SPELLINGS = [
    TINY,
    replace(TINY, packed=True, scale="both", mask="add", activation="relu"),
    replace(TINY, attention_bias=False, scale="query", mask="buffer", activation="gelu", tied=True),
]


@pytest.mark.parametrize("s", SPELLINGS, ids=["plain", "packed", "buffer"])
def test_the_models_are_true(s):
    """What is written runs, is causal, and a cache changes nothing: token by token the logits of the whole."""
    whole, stepwise = (gpt_like(s, cache, np.random.default_rng(5)) for cache in (False, True))
    for model in (whole, stepwise):
        onnx.checker.check_model(model, full_check=True)
    run, step = (onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
                 for model in (whole, stepwise))
    ids = np.random.default_rng(6).integers(s.vocabulary, size=(2, 9))
    expected = run.run(["logits"], {"input_ids": ids})[0]
    names = [f"{i}.{each}" for i in range(s.layers) for each in ("key", "value")]
    past = {f"past.{name}": np.zeros((2, s.heads, 0, s.head_dim), np.float32) for name in names}
    for begin, end in [(0, 4), (4, 5), (5, 6), (6, 9)]:
        logits, *present = step.run(None, {"input_ids": ids[:, begin:end], **past})
        assert logits == pytest.approx(expected[:, begin:end], rel=1e-4, abs=1e-4)
        past = {f"past.{name}": each for name, each in zip(names, present)}
