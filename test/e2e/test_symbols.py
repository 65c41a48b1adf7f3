"""Names of dimensions as exporters write them, and what two branches of an If leave of a declaration."""

import contract
import onnx
import pytest
from onnx import TensorProto, helper


def value(name, *dims, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)


def shapes_of(graph, scratch, opset=17):
    path = scratch / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]), path)
    return {name: facts["shape"] for name, facts in contract.shapes([path], scratch)[path]["values"].items()}


@pytest.mark.parametrize("declared, others, expected", [
    ("past + new", ["past", "new"], "new + past"),  # dimensions by themselves
    ("encoder_length / 2", [], "encoder_length//2"),  # one symbol, which no dimension is
    ("(((s1 - 1)//8)) + 1", [], "(7 + s1)//8"),
    ("encoder_length / 2", ["encoder_length"], "encoder_length//2"),
    ("batch-size", [], "batch-size"),  # names
    ("batch / heads", [], "batch / heads"),
    ("s1 * 2 - 5", [], "s1 * 2 - 5"),  # would be negative for some s1
    ("seq len", [], "seq len"),
])
def test_names_of_dimensions(declared, others, expected, tmp_path):
    inputs = [value("x", declared, 4)] + [value(f"x{i}", other) for i, other in enumerate(others)]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", inputs, [value("y", None, None)])
    found, _ = shapes_of(graph, tmp_path)["y"]
    assert found == expected


def test_no_declaration_settles_what_branches_differ_in(tmp_path):
    """`present` is P + 1 in one branch and 1 in the other; the file declares the first."""
    def branch(name, op, *inputs):
        node = helper.make_node(op, list(inputs), [name], **({"axis": 0} if op == "Concat" else {}))
        return helper.make_graph([node], name, [], [value(name, None, 8)])

    node = helper.make_node("If", ["use_cache"], ["present"], then_branch=branch("cached", "Concat", "past", "new"),
                            else_branch=branch("fresh", "Identity", "new"))
    inputs = [value("use_cache", 1, kind=TensorProto.BOOL), value("past", "P", 8), value("new", 1, 8)]
    graph = helper.make_graph([node], "g", inputs, [value("present", "P + 1", 8)])
    assert shapes_of(graph, tmp_path)["present"] == [None, 8]


@pytest.mark.parametrize("operator, domain, refused", [("MatMul", "", True), ("FusedMatMul", "com.microsoft", False)])
def test_a_declared_rank_that_is_not_so(operator, domain, refused, tmp_path):
    """An error where the operator is ONNX's own; others are not sure enough. ONNX Runtime runs both."""
    nodes = [helper.make_node(operator, ["x", "w"], ["m"], domain=domain), helper.make_node("Relu", ["m"], ["y"])]
    graph = helper.make_graph(nodes, "g", [value("x", "B", 4), value("w", 4, 8)], [value("y", "B", 8)],
                              value_info=[value("m", "B", 1, 8)])
    path = tmp_path / "model.onnx"
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), path)
    answer = contract.shapes([path], tmp_path)[path]
    if refused:
        assert "'m' is declared with rank 3, but it has rank 2" in answer["error"]
    else:
        assert answer["values"]["m"]["shape"] == ["B", 8]


@pytest.mark.parametrize("name", ["None", "lambda", "max", "1st", "seq len", "a.b:0", "x#1"])
def test_names_in_expressions_are_pythons(name, tmp_path):
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value("x", name, 4)], [value("y", name, 4)])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    report = contract.analyze(path, "--view=nodes")
    (symbol,) = report["symbols"]
    assert symbol["graph_name"] == name
    assert contract.evaluate(report["ledgers"]["graph"]["flops"], {symbol["name"]: 5}) == 5 * 4
