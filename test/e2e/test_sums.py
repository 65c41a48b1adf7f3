"""Σ roles = Σ layers = Σ nodes = total, and the reconciliation's lines lead from one ledger to the other."""

import subprocess

import contract
import onnx
import pytest
from sums import check_sums

MODELS = sorted(contract.MODELS.rglob("*.onnx"))


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_sums(model):
    check_sums(model)


@pytest.mark.parametrize("options", [
    ["--scope=all"], ["--scope=attention"], ["--scope=qk,softmax,norm"], ["--dtype=fp32"], ["--weights=int4,g128"],
    ["--softmax-flops=5"], ["--layout=executed"], ["--dtype=int8", "--scope=mha"],
], ids=" ".join)
@pytest.mark.parametrize("model", ["gpt2-xl", "llama3-8b-2l_withpast_optimum"])
def test_sums_under_what_ifs(model, options):
    check_sums(contract.MODELS / f"{model}.onnx", *options)


def save(path, nodes, inputs):
    graph = onnx.helper.make_graph(nodes, "g", [onnx.helper.make_tensor_value_info(name, kind, dims)
                                                for name, kind, dims in inputs], [onnx.ValueInfoProto(name="y")])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), path)


def test_what_is_known_of_an_unknown_cost_is_in_its_row(tmp_path):
    """C16: of a NonZero what it reads is known; that is in the totals, so the node shows it, as a lower bound."""
    path = tmp_path / "model.onnx"
    make, FLOAT = onnx.helper.make_node, onnx.TensorProto.FLOAT
    save(path, [make("NonZero", ["x"], ["y"], name="counts")], [("x", FLOAT, ["B", "N", 8])])
    check_sums(path)
    (node,) = contract.analyze(path, "--view=nodes")["nodes"]
    assert (node["flops"], node["bytes_read"], node["bytes_written"]) == (None, "32*B*N", None) and not node["exact"]
    text = subprocess.run([contract.BIN / "xf-analyze", path, "--view=nodes,roles,ops"], capture_output=True, text=True,
                          check=True).stdout
    row = next(line for line in text.splitlines() if line.startswith("  counts"))
    assert "≥ 32·B·N" in row
    assert any(line.split() == ["other", "1", "≥", "0", "≥", "32·B·N", "–", "100.0", "%"] for line in text.splitlines()), text
    (role,) = contract.analyze(path)["ledgers"]["graph"]["roles"]
    assert role["exact"] is False and role["bytes"] == "32*B*N"
    assert "FLOPs ≥   0\n" in text and "bytes ≥  32·B·N\n" in text  # a 0 is a figure too


def test_a_branch_that_holds_an_unknown_cost(tmp_path):
    """C17: what is known of the larger branch counts, and stands in the row of its If."""
    make, FLOAT, BOOL = onnx.helper.make_node, onnx.TensorProto.FLOAT, onnx.TensorProto.BOOL
    def branch(name, *nodes):
        return onnx.helper.make_graph(nodes, name, [], [onnx.ValueInfoProto(name=name)])
    then = branch("t", make("Exp", ["x"], ["e"]), make("Invented", ["e"], ["t"], domain="acme"))
    otherwise = branch("o", make("Relu", ["x"], ["o"]))
    path = tmp_path / "model.onnx"
    save(path, [make("If", ["c"], ["y"], name="either", then_branch=then, else_branch=otherwise)],
                 [("c", BOOL, []), ("x", FLOAT, ["N"])])
    check_sums(path)
    node = next(node for node in contract.analyze(path, "--view=nodes")["nodes"] if node["name"] == "either")
    assert node["flops"] == "N" and not node["exact"]
