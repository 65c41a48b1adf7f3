"""The second count of FLOPs and bytes (test/cost_oracle.py), and the sums, on all exports that are there."""

import json

import contract
import onnx
import pytest
from cost_check import check_costs
from cost_oracle import NotCounted
from sums import check_sums

FOLDER = contract.SHARED / "models"
MODELS = sorted(FOLDER.rglob("*.onnx"))
LARGE = 1 << 30  # bytes of weights that a test is willing to multiply

# Operators that the second count has no rule for: part of the name, the operator.
NOT_COUNTED = {"decoder_merged": "bodies", "moe": "TopK", "mixtral": "TopK", "int8dyn": "DequantizeLinear",
               "_ort": "com.microsoft", "genai": "SimplifiedLayerNormalization|com.microsoft"}


def truth_of(model):
    path = model.with_name(f"{model.stem}.shapes.json")
    return json.loads(path.read_text()) if path.exists() else None


def weight_bytes(model):
    proto = onnx.load(model, load_external_data=False)
    return sum(int(entry.value) for tensor in proto.graph.initializer for entry in tensor.external_data
               if entry.key == "length")


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_sums(model):
    check_sums(model)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_costs(model):
    if weight_bytes(model) > LARGE:
        return  # the same architectures are there in other sizes
    excuse = next((op for name, op in NOT_COUNTED.items() if name in model.stem), None)
    truth = truth_of(model)
    try:
        if truth:
            check_costs(model, truth["bindings"][0], {name: shape for name, (_, shape, *_) in truth["inputs"].items()})
        else:
            check_costs(model, {"batch": 2, "sequence": 5})
    except NotCounted as why:
        assert excuse and any(part in str(why) for part in excuse.split("|")), str(why)
