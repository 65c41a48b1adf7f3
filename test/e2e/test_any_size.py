"""The seed's rows hold for models of other sizes and spellings: nothing is tied to GPT-2 XL."""

from dataclasses import replace

import contract
import numpy as np
import onnx
import onnxruntime
import pytest
from gpt_like import Shape, gpt_like, random_shape

SEEDS = range(24)
SIZES = [(1, 1), (1, 32), (64, 1024), (3, 7), (5, 1)]


def expect(formula, B_N, wanted):
    B, N = B_N
    assert contract.evaluate(formula, {"B": B, "N": N}) == wanted


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
    ledger = report["ledgers"]["textbook"]
    role = {each["role"]: each for each in ledger["roles"]}
    L, D, H, F, n = s.layers, s.width, s.heads, s.mlp, 2 if s.fp16 else 4
    for B, N in SIZES:
        rows = {  # T2 to T6
            "q_proj": (2 * B * N * D**2, n * (2 * B * N * D + D**2)),
            "k_proj": (2 * B * N * D**2, n * (2 * B * N * D + D**2)),
            "v_proj": (2 * B * N * D**2, n * (2 * B * N * D + D**2)),
            "qk": (2 * B * N**2 * D, n * (2 * B * N * D + H * B * N**2)),
            "scale": (H * B * N**2, 0),
            "mask": (H * B * N**2, n * 2 * H * B * N**2),
            "softmax": (3 * H * B * N**2, n * 2 * H * B * N**2),
            "av": (2 * B * N**2 * D, n * (H * B * N**2 + 2 * B * N * D)),
            "out_proj": (2 * B * N * D**2, n * (2 * B * N * D + D**2)),
            "mlp_up": (2 * B * N * D * F + B * N * F, n * (B * N * D + D * F + F + B * N * F)),
            "mlp_down": (2 * B * N * D * F + B * N * D, n * (B * N * F + D * F + D + B * N * D)),
        }
        assert set(role) == set(rows)
        for name, (flops, size) in rows.items():
            expect(role[name]["flops"], (B, N), L * flops)
            expect(role[name]["bytes"], (B, N), L * size)
        expect(ledger["flops"], (B, N), L * sum(flops for flops, _ in rows.values()))
        expect(ledger["bytes"], (B, N), L * sum(size for _, size in rows.values()))
    assert ledger["exact"] is True


@pytest.mark.parametrize("cache", [False, True], ids=["without_cache", "with_cache"])
@pytest.mark.parametrize("seed", SEEDS)
def test_decoding_step(seed, cache, tmp_path):
    s = random_shape(seed)
    report = contract.analyze(write(tmp_path, gpt_like(s, cache)), "--ledger=textbook", "--view=decode")
    step = report["decode"]["textbook"]
    L, D, H, F, n = s.layers, s.width, s.heads, s.mlp, 2 if s.fp16 else 4
    for B, N in SIZES:  # T7, with an MLP of width F
        flops = 8 * B * D**2 + 4 * B * N * D + 4 * H * B * N + 4 * B * D * F + B * F + B * D
        weights = 4 * D**2 + 2 * D * F + F + D
        cached = 2 * B * D + 2 * B * N * D
        other = 10 * B * D - 2 * B * D + 4 * H * B * N + 2 * B * D + 2 * B * F
        expect(step["flops"], (B, N), L * flops)
        expect(step["bytes"], (B, N), L * n * (weights + cached + other))
        expect(step["weight_bytes"], (B, N), L * n * weights)
        expect(step["cache_bytes"], (B, N), L * n * cached)
        expect(step["other_bytes"], (B, N), L * n * other)
        expect(step["kv_cache_bytes"], (B, N), L * n * 2 * B * N * D)


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
