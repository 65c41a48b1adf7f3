"""models/abstract: the shapes of a lecture, with every size a symbol. They are true models: ONNX Runtime runs them."""

import contract
import numpy as np
import onnx
import onnxruntime
import pytest

MODELS = sorted((contract.MODELS / "abstract").glob("*.onnxtxt"))
SIZES = {"B": 2, "N": 5, "D": 8, "H": 2, "M": 3, "K": 4, "4*D": 32, "D//H": 4}


def run(path, changed=None):
    """The output at SIZES, inputs by a fixed seed; `changed`: (input, index) of rows to make different."""
    model = onnx.parser.parse_model(path.read_text())
    onnx.checker.check_model(model, full_check=True)
    pick = np.random.default_rng(1)
    feed = {}
    for value in model.graph.input:
        shape = [SIZES[dim.dim_param] for dim in value.type.tensor_type.shape.dim]
        feed[value.name] = pick.standard_normal(shape).astype(np.float16)
    if changed:
        feed[changed[0]][changed[1]] += 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feed)[0], feed


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_runs(model):
    result, _ = run(model)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("name, data", [("sdpa", ["q", "k", "v"]), ("mha", ["x"]), ("block", ["stream"])])
def test_causal(name, data):
    path = contract.MODELS / "abstract" / f"{name}.onnxtxt"
    assert contract.analyze(path)["structure"]["causal"]["verdict"] == "proved"
    before, _ = run(path)
    for each in data:
        after, _ = run(path, (each, np.s_[:, 3]))
        assert (before[:, :3] == after[:, :3]).all(), f"position 3 of {each} reaches an earlier one"
        assert (before[:, 3:] != after[:, 3:]).any()


def test_mha_is_multi_head_attention():
    result, feed = run(contract.MODELS / "abstract" / "mha.onnxtxt")
    x, wq, wk, wv, wo = (feed[name].astype(np.float64) for name in ("x", "wq", "wk", "wv", "wo"))
    q, k, v = (np.einsum("bnm,mhd->bhnd", x, w) for w in (wq, wk, wv))
    scores = np.einsum("bhid,bhjd->bhij", q, k) / np.sqrt(SIZES["D"] // SIZES["H"])
    scores[..., np.triu_indices(SIZES["N"], 1)[0], np.triu_indices(SIZES["N"], 1)[1]] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    expected = np.einsum("bhij,bhjd,hdm->bim", weights, v, wo)
    assert result == pytest.approx(expected, rel=2e-2, abs=5e-2)
