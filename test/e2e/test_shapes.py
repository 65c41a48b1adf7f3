"""Every tensor of the checked-in graphs has the shape and the type that running it gave, at both bindings."""

import json

import contract
import pytest

TRUTHS = sorted(contract.MODELS.glob("*.shapes.json"))


def model_of(truth):
    return truth.with_name(truth.name.replace(".shapes.json", ".onnx"))


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return contract.shapes([model_of(truth) for truth in TRUTHS], tmp_path_factory.mktemp("shapes"))


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda path: model_of(path).stem)
def test_shapes(truth, answers):
    model = model_of(truth)
    contract.check_shapes(model.stem, answers[model], json.loads(truth.read_text()))
