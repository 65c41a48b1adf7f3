"""Where a graph of ../shared/corpus declares symbolic shapes of values that it computes, inference without these
declarations agrees, up to what new symbols are called; where it does not, running the graph says that inference is right."""

import contract
import execution
import law_graphs
import laws
import onnx
import pytest

FOLDER = contract.SHARED / "corpus"

# How the graph's name begins → what it computes that nobody can know, so that a declaration alone says it.
UNKNOWN = {
    "tiny_gpt2_beamsearch": "as many sequences, as long, as the search is told when it runs",
    "bert_toy_optimized_bw": "gradients by operators that only the training framework knows",
    "ort_github_issue_26272_dds": "how many elements are not zero",
    "packed_attention_fp32": "how many tokens are left without padding",
}

# How the name begins → sizes that its inputs must have, where nothing but the names of symbols says so, or not even they.
FIXED = {
    "packed_attention_fp32": {"hidden_size": 36, "hidden_size_x_3": 108},
    "model_microsoft_Phi-3_5-mini": {"cache_length": 0},  # the mask is as long as what is new alone
}

# Declarations that are not so: how the name begins, how many. Whichever way, running decides.
WRONG = {"BertForQuestionAnswering": 2, "gpt2_past.": 12, "decoder_with_past_self_mha": 2,
         "model_microsoft_Phi-3_5-mini": 2}


def entry(table, path):
    return next((value for name, value in table.items() if path.name.startswith(name)), None)


def symbolic_declarations(model):
    """{value that a node computes: dims} where a dim has a name."""
    made = {name for node in model.graph.node for name in node.output}
    found = {}
    for value in [*model.graph.value_info, *model.graph.output]:
        dims = value.type.tensor_type.shape.dim
        if value.name in made and any(dim.dim_param for dim in dims):
            found[value.name] = [dim.dim_param or (dim.dim_value if dim.HasField("dim_value") else None) for dim in dims]
    return found


def without_declarations(model):
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.ClearField("type")
    return model


def compare(declared, own, expressions, binding):
    """(names that agree, {name: dims that inference gives} of those that do not, names that inference does not know)"""
    agree, differ, unknown, new = [], {}, [], {}
    for name, dims in declared.items():
        inferred = own.get(name, (None, None))[1]
        if inferred is None or None in inferred:
            unknown.append(name)
            continue
        found = [law_graphs.at(dim, binding) for dim in inferred]
        said = [law_graphs.at(expressions.get(dim, dim), binding) for dim in dims]
        # A symbol that no input has is what it is where it comes first.
        said = [new.setdefault(s, f) if isinstance(s, str) else s for s, f in zip(said, found)] if len(
            said) == len(found) else said
        if len(said) == len(found) and all(s in (None, f) for s, f in zip(said, found)):
            agree.append(name)
        else:
            differ[name] = found
    return agree, differ, unknown


def repaired(path):
    """Some files had the payloads of their weights taken out, and the dims of one-element lists with them."""
    model = execution.promoted(path)
    lists = {name for node in model.graph.node if node.op_type == "Concat" for name in node.input}
    for tensor in model.graph.initializer:
        if tensor.name in lists and not tensor.dims:
            tensor.dims.append(1)
    return model


@pytest.fixture(scope="module")
def graphs(shared, tmp_path_factory):
    """{graph: (declarations, what inference without them says, what the names in the inputs' dims are)}"""
    scratch = tmp_path_factory.mktemp("declarations")
    paths = sorted(FOLDER.rglob("*.onnx"))
    answers = laws.inferred(paths, scratch)
    files, found = {}, {}
    for place, path in enumerate(paths):
        declared = symbolic_declarations(laws.load(path))
        if declared and not isinstance(answers[path], str):
            files[path] = scratch / f"{place}.onnx"
            onnx.save(without_declarations(laws.load(path)), files[path])
            found[path] = declared, law_graphs.input_expressions(laws.load(path), answers[path])
    own = laws.inferred(list(files.values()), scratch)
    return {path: (declared, own[files[path]], expressions) for path, (declared, expressions) in found.items()}


def bindings(expressions, path):
    symbols = law_graphs.symbols_of(expressions.values())
    for sizes in ([2] * len(symbols), [5] * len(symbols), range(3, 3 + 2 * len(symbols), 2)):
        yield law_graphs.with_totals(dict(zip(symbols, sizes))) | (entry(FIXED, path) or {})


def test_declarations(graphs):
    """Of 36 graphs 1,800 declarations at three bindings: agreed with, or executed."""
    agreed, executed = 0, 0
    for path, (declared, own, expressions) in graphs.items():
        assert not isinstance(own, str), (path.name, own)
        for binding in bindings(expressions, path):
            agree, differ, unknown = compare(declared, own, expressions, binding)
            agreed += len(agree)
            assert not unknown or entry(UNKNOWN, path), (path.name, unknown[:5])
            assert len(differ) == (entry(WRONG, path) or 0), (path.name, binding, differ)
            if differ:
                running = execution.session_of(repaired(path))
                inputs = {value.name: [law_graphs.at(dim, binding) for dim in own[value.name][1]]
                          for value in running.get_inputs()}
                shapes = execution.shapes_at(running, inputs)
                assert {name: shapes[name] for name in differ} == differ, (path.name, binding)
                executed += len(differ)
    assert len(graphs) >= 34 and agreed >= 1800 and executed >= 60, (len(graphs), agreed, executed)
