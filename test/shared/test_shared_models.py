"""The extended suite: all exports of ../shared/models, their shapes and their matrix FLOPs."""

import json

import contract
import pytest
from flops_differences import DIFFERENCES

FOLDER = contract.SHARED / "models"
SHAPES = sorted(FOLDER.glob("*.shapes.json"))
FLOPS = sorted(FOLDER.glob("*.flops.json"))
GRAPHS = sorted(FOLDER.rglob("*.onnx"))


def stem(path):
    return path.name.split(".shapes.json")[0].split(".flops.json")[0].removesuffix(".onnx")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return contract.shapes(GRAPHS, tmp_path_factory.mktemp("shapes"))


def test_there_is_a_suite(shared):
    assert SHAPES and FLOPS, f"nothing in {FOLDER.name}"


@pytest.mark.parametrize("truth", SHAPES, ids=stem)
def test_shapes(truth, answers):
    contract.check_shapes(stem(truth), answers[truth.with_name(f"{stem(truth)}.onnx")], json.loads(truth.read_text()))


@pytest.mark.parametrize("truth", FLOPS, ids=stem)
def test_matrix_flops(truth):
    contract.check_flops(stem(truth), truth.with_name(f"{stem(truth)}.onnx"), json.loads(truth.read_text()), DIFFERENCES)


@pytest.mark.parametrize("graph", GRAPHS, ids=stem)
def test_analysed(graph):
    coverage = contract.analyze(graph)["coverage"]
    assert coverage["costed"] == coverage["nodes"], coverage["unknown"][:10]
