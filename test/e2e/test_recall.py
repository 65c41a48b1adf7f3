"""models/recall: associative recall takes two layers of attention. ONNX Runtime runs the trained models."""

import importlib.util

import contract
import numpy as np
import onnx
import onnxruntime
import pytest
import test_kv_cache

RECALL = contract.MODELS / "recall"
PAIRS = 24
COUNT = 2000


def task():
    """The generator of sequences that the models were trained on."""
    spec = importlib.util.spec_from_file_location("sequences", RECALL / "sequences.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def accuracy(name, pairs, seed):
    """The share of right answers on fresh sequences, by what stands highest at the last position."""
    tokens, answers = task().sequences(np.random.default_rng(seed), COUNT, pairs)
    session = onnxruntime.InferenceSession(str(RECALL / name), providers=["CPUExecutionProvider"])
    logits = session.run(None, {"input_ids": tokens})[0]
    assert logits.shape == (*tokens.shape, task().VOCABULARY)
    return (logits[:, -1].argmax(-1) == answers).mean()


@pytest.mark.parametrize("seed", [1001, 1002])
def test_one_layer_cannot(seed):
    assert accuracy("recall_1_layer.onnx", PAIRS, seed) < 0.9


@pytest.mark.parametrize("seed", [1001, 1002])
def test_two_layers_can(seed):
    assert accuracy("recall_2_layers.onnx", PAIRS, seed) >= 0.9


@pytest.mark.parametrize("pairs", [4, 12, 20])
def test_two_layers_can_with_fewer_pairs(pairs):
    assert accuracy("recall_2_layers.onnx", pairs, 1003) >= 0.9


def test_the_task_is_no_other():
    """What the two accuracies are about: each key has one value in a sequence, and the last key stands among the pairs."""
    tokens, answers = task().sequences(np.random.default_rng(7), 200, PAIRS)
    for row, answer in zip(tokens, answers):
        pairs = list(zip(row[:-1:2], row[1::2]))
        assert len(set(pairs)) == len(dict(pairs)) and dict(pairs)[row[-1]] == answer


@pytest.mark.parametrize("name, layers", [("recall_1_layer.onnx", 1), ("recall_2_layers.onnx", 2)])
def test_what_the_tool_finds(name, layers):
    onnx.checker.check_model(onnx.load(RECALL / name), full_check=True)
    report = contract.analyze(RECALL / name)
    structure = report["structure"]
    assert (structure["layers"], structure["hidden"], structure["heads"], structure["mlp_hidden"]) == (layers, 64, 2, None)
    flops = report["ledgers"]["textbook"]["flops"]
    for B, N in [(1, 1), (2, 49), (64, 7)]:  # attention only: 8BND² + 4BN²D + 5HBN² a layer
        expected = layers * (8 * B * N * 64**2 + 4 * B * N**2 * 64 + 5 * 2 * B * N**2)
        assert contract.evaluate(flops, {"B": B, "N": N}) == expected


@pytest.mark.parametrize("chunks", [[2 * PAIRS + 1], [2] * PAIRS + [1], [1] * (2 * PAIRS + 1)], ids=["at_once", "pairs", "one_by_one"])
def test_two_layers_can_through_a_cache(chunks, tmp_path):
    """kv-cache: the answers of the whole sequence, from a past and the tokens that are new."""
    cached, caches, why = test_kv_cache.rewritten(onnx.load(RECALL / "recall_2_layers.onnx"), tmp_path)
    assert sum(cache["bytes_per_token"] for cache in caches) == 2 * 2 * 64 * 4, why
    tokens, answers = task().sequences(np.random.default_rng(1001), 500, PAIRS)
    run = test_kv_cache.session(cached, test_kv_cache.LEVELS[1])
    answered = test_kv_cache.decode(run, caches, tokens, chunks)[:, -1].argmax(-1)
    assert (answered == answers).mean() >= 0.9
    whole = onnxruntime.InferenceSession(str(RECALL / "recall_2_layers.onnx"), providers=["CPUExecutionProvider"])
    assert (answered == whole.run(None, {"input_ids": tokens})[0][:, -1].argmax(-1)).all()
