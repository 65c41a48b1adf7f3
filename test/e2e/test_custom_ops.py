"""An operator that nobody knows in the middle of a graph, and what a user's file says of it."""

import subprocess

import contract
import onnx
import pytest
from onnx import TensorProto, helper

NORM = """
- op: FancyNorm
  domain: com.acme
  inputs: ["..., D", "D"]
  outputs: ["..., D", "rest"]
  types: [in0, int64]
  flops: 8*out0 + attr.rounds*rest
  matrix-flops: 2*rest*D
"""


def value(name, *dims, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)


@pytest.fixture
def model(tmp_path):
    """x [B, N, 64] · w → FancyNorm → · w"""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"], name="first"),
             helper.make_node("FancyNorm", ["a", "gain"], ["b", "count"], name="invented", domain="com.acme", rounds=3),
             helper.make_node("MatMul", ["b", "w"], ["y"], name="second"),
             helper.make_node("Relu", ["x"], ["z"], name="aside")]
    graph = helper.make_graph(nodes, "g", [value("x", "B", "N", 64), value("w", 64, 64), value("gain", 64)],
                              [value("y", "B", "N", 64), value("z", "B", "N", 64),
                               value("count", "M", kind=TensorProto.INT64)])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.acme", 1)]),
              path)
    return path


@pytest.fixture
def described(tmp_path):
    def write(text):
        path = tmp_path / "ops.yaml"
        path.write_text(text)
        return f"--custom-ops={path}"

    return write


def nodes_of(report):
    return {node["name"]: node for node in report["nodes"]}


def test_all_else_is_right(model):
    report = contract.analyze(model, "--view=nodes,summary")
    nodes = nodes_of(report)
    assert nodes["first"]["flops"] == "8192*B*N" and nodes["aside"]["flops"] == "64*B*N"
    (unknown,) = [node for node in report["coverage"]["unknown"] if node["node"] == "invented"]
    assert unknown["why"] == "operator FancyNorm of domain com.acme is not known"
    assert report["ledgers"]["graph"]["exact"] is False
    text = subprocess.run([contract.BIN / "xf-analyze", model], capture_output=True, text=True, check=True).stdout
    assert "FLOPs ≥" in text and "≥ " in text.split("At points")[1]


def test_strict_names_it(model, described):
    done = subprocess.run([contract.BIN / "xf-analyze", model, "--strict"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert "node 'invented' (FancyNorm): operator FancyNorm of domain com.acme is not known" in done.stderr
    contract.analyze(model, "--strict", described(NORM))


def test_a_description_makes_it_known(model, described):
    report = contract.analyze(model, "--view=nodes,shapes", described(NORM))
    assert report["coverage"]["unknown"] == [] and report["ledgers"]["graph"]["exact"] is True
    node = nodes_of(report)["invented"]
    assert [out["shape"] for out in node["outputs"]] == [["B", "N", 64], ["B*N"]]
    at = {"B": 3, "N": 5}
    assert contract.evaluate(node["flops"], at) == 8 * 3 * 5 * 64 + 3 * 15 + 2 * 15 * 64
    assert contract.evaluate(node["bytes_read"], at) == (3 * 5 * 64 + 64) * 4
    assert contract.evaluate(node["bytes_written"], at) == 3 * 5 * 64 * 4 + 15 * 8
    assert contract.evaluate(nodes_of(report)["second"]["flops"], at) == 2 * 15 * 64 * 64
    matrix = contract.evaluate(report["ledgers"]["graph"]["matrix_flops"], at)
    assert matrix == 2 * (2 * 15 * 64 * 64) + 2 * 15 * 64


def test_names_are_not_the_graphs(model, described):
    """The description's N and B are its own, not the graph's."""
    swapped = """
op: FancyNorm
domain: com.acme
inputs: ["N, B, D", "D"]
outputs: ["N, B, D", "max(N, 1)"]
types: [in0, int64]
flops: N*B**2
reads: ["N", ""]
writes: ["0", "N"]
"""
    node = nodes_of(contract.analyze(model, "--view=nodes", described(swapped)))["invented"]
    assert contract.evaluate(node["flops"], {"B": 3, "N": 5}) == 3 * 5**2
    assert contract.evaluate(node["bytes_read"], {"B": 3, "N": 5}) == (3 + 64) * 4
    assert contract.evaluate(node["bytes_written"], {"B": 3, "N": 5}) == 3 * 8


@pytest.mark.parametrize("old, new, why", [
    ('"..., D", "D"]\n  outputs', '"..., A, B, C, D", "D"]\n  outputs',
     "input 0 is described with at least 4 dimensions, found [B,N,64]"),
    ('"..., D", "D"]\n  outputs', '"..., D", "3"]\n  outputs', "input 1, [64], contradicts its description: expected 3, found 64"),
    ("attr.rounds", "attr.turns", "the node has no integer attribute 'turns' of 0 or more"),
])
def test_nodes_that_contradict_it(old, new, why, model, described):
    assert old in NORM
    report = contract.analyze(model, "--view=nodes", described(NORM.replace(old, new)))
    (unknown,) = [node for node in report["coverage"]["unknown"] if node["node"] == "invented"]
    assert why in unknown["why"]


@pytest.mark.parametrize("key, formula", [("flops", "rest - 1000"), ("matrix-flops", "rest - 1000"), ("reads", "[rest - 1000]")])
def test_what_may_be_negative_is_unknown(key, formula, model, described):
    """C16: it is in no total, and max(…, 0) makes it known."""
    lines = [line for line in NORM.splitlines() if not line.strip().startswith(f"{key}:")]
    report = contract.analyze(model, "--view=nodes", described("\n".join([*lines, f"  {key}: {formula}"])))
    (unknown,) = [node for node in report["coverage"]["unknown"] if node["node"] == "invented"]
    assert f"{key}, -1000 + B*N here, may be negative" in unknown["why"]
    at = {"B": 1, "N": 1}
    known = sum(contract.evaluate(node["flops"], at) for node in report["nodes"] if node["flops"] is not None)
    assert contract.evaluate(report["ledgers"]["graph"]["flops"], at) == known >= 2 * (2 * 64 * 64) + 64
    at_least = formula.replace("rest - 1000", "'max(rest - 1000, 0)'")
    report = contract.analyze(model, described("\n".join([*lines, f"  {key}: {at_least}"])))
    assert report["coverage"]["unknown"] == []


def test_without_flops_the_shape_is_known(model, described):
    text = "\n".join(line for line in NORM.splitlines() if "flops" not in line)
    report = contract.analyze(model, "--view=nodes", described(text))
    assert [(node["node"], node["why"]) for node in report["coverage"]["unknown"]] == [
        ("invented", "its description gives no FLOPs")]


@pytest.mark.parametrize("text, why", [
    ("- op: FancyNorm\n  flop: 3", "2: expected a key of an operator, found 'flop'; did you mean 'flops'?"),
    ("- domain: com.acme", "1: expected an op, the operator's name, found none"),
    ("- op: Relu", "1: 'Relu': op: Relu of ai.onnx has rules of its own (docs/OPS.md)"),
    ("- op: F\n- op: F", "2: 'F': op: expected each operator once, found F twice"),
    ("op: F\ninputs: ['N, D']\noutputs: ['M']", "1: 'F': outputs: expected names of the inputs' dimensions or attr.NAME, found 'M'"),
    ("op: F\ninputs: ['N']\noutputs: ['N']\nflops: out0*rest", "1: 'F': flops: expected names of the inputs' dimensions, in0, "
     "out0, … or attr.NAME, found 'rest'"),
    ("op: F\ninputs: ['rest']", "1: 'F': inputs: expected names or numbers of dimensions, as in \"..., N, D\", found 'rest'"),
    ("op: F\ntypes: floaty", "1: 'F': types: expected in0, in1, … or an element type as fp16, found 'floaty'"),
    ("op: F\nflops: 3 +", "1: 'F': flops: "),
    ("op: F\nflops: 3/2", "1: 'F': flops: column 2: expected //, a quotient rounded down, found /"),
    ("op: F\nflops: -3", "1: 'F': flops: expected 0 or more, found -3, which is negative whatever its names stand for"),
    ("op: F\ninputs: ['N']\nreads: ['-1 - N']", "1: 'F': reads: expected 0 or more, found -1 - N"),
    ("op: F\noutputs: ['..., 3']", "1: 'F': outputs: expected `...` in an input, too; found it in '..., 3' alone"),
    ("", "1: expected an operator or a list of them, found nothing"),
    ("op: [F]", "1: op: expected a text, found a list"),
])
def test_faults_of_the_file(text, why, model, described):
    done = subprocess.run([contract.BIN / "xf-analyze", model, described(text)], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert f"ops.yaml:{why}" in done.stderr
