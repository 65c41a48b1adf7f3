"""Suites that nobody here wrote (../shared/suites): their own scorers, and execution."""

import csv
import json
import re
import subprocess
import sys
import tarfile

import contract
import execution
import pytest

SUITES = contract.SHARED / "suites"
TRAPS = contract.SHARED / "reference" / "peer_wrong.tsv"
MOST_WEIGHTS = 1 << 29  # bytes that a test is willing to fill with zeros


def value_of(dim, binding):
    """The scorers' own evaluator; None where a dim is not known."""
    sys.path.insert(0, str(SUITES))
    from symexpr import Unknown, evaluate

    try:
        return evaluate(dim, binding)
    except Unknown:
        return None


@pytest.fixture(scope="module")
def suites(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("suites")
    for archive in SUITES.glob("*.tar.xz"):
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    return folder


def score(script, *arguments):
    """A scorer's counts, and all it says."""
    done = subprocess.run([sys.executable, SUITES / script, *arguments], capture_output=True, text=True, check=True)
    first = done.stdout.splitlines()[0]
    counts = dict((name, int(count)) for name, count in re.findall(r"'([^']+)': (\d+)", first.split("elem {")[0]))
    return counts, done.stdout


def answers(paths, scratch):
    """{case: line of --shapes-json}"""
    found = contract.shapes(list(paths.values()), scratch)
    return {name: found[path] for name, path in paths.items()}


# -- the node tests of ONNX: what their recorded outputs are ---------------------------------------------------------------

@pytest.fixture(scope="module")
def node_cases(suites, tmp_path_factory):
    """{variant: (results, results file)}, and the cases."""
    cases = suites / "cases_node" / "cases.json"
    results = {}
    for variant in "ABC":
        scratch = tmp_path_factory.mktemp(variant)
        paths = {case["id"]: cases.parent / variant / f"{case['id']}.onnx" for case in json.loads(cases.read_text())}
        results[variant] = answers(paths, scratch)
        (scratch / "results.json").write_text(json.dumps(results[variant]))
        results[variant, "file"] = scratch / "results.json"
    return cases, results


# A: input shapes alone; B: small inputs too; C: a symbol for each input dimension. The least that has to be exact.
@pytest.mark.parametrize("variant, least", [("A", 85.8), ("B", 97.6), ("C", 96.4)])
def test_node_cases(variant, least, node_cases):
    cases, results = node_cases
    counts, said = score("score_nodes.py", cases, results[variant, "file"], variant)
    assert counts.get("WRONG", 0) == 0 and counts.get("ERROR", 0) == 0, said
    tensors = sum(count for name, count in counts.items() if not name.startswith("("))
    assert tensors == 2344 and 100 * counts["EXACT"] / tensors >= least, said


def test_no_trap_of_the_peers(node_cases):
    """Outputs that some other tool gets wrong: ours are right, or unknown."""
    cases, results = node_cases
    bind = {case["id"]: case["bind"] for case in json.loads(cases.read_text())}
    with TRAPS.open() as file:
        traps = list(csv.DictReader(file, delimiter="\t"))
    assert len(traps) == 243
    caught, known = [], 0
    for trap in traps:
        (name,) = [name for name in (f"{kind}__{trap['case']}" for kind in ("node", "simple", "pytorch-operator",
                                                                            "pytorch-converted", "light", "real"))
                   if name in bind] or [trap["case"]]
        shape = (results[trap["variant"]][name]["values"].get(trap["output"]) or {}).get("shape")
        true = json.loads(trap["true"])
        if shape is None:
            continue
        found = [value_of(dim, bind[name] if trap["variant"] == "C" else {}) for dim in shape]
        known += len(found) - found.count(None)
        if len(found) != len(true) or any(f not in (None, t) for f, t in zip(found, true)):
            caught.append((trap, shape))
    assert not caught and known > 500


# -- ONNX's own shape tests ------------------------------------------------------------------------------------------------

# Declared and inferred shape of an intermediate value differ: a warning, as real files have that.
WARNED = {"TestShapeInference.test_transpose_preexisting_incorrect_shape"}


def test_shape_tests_of_onnx(suites, tmp_path):
    folder = suites / "dumped"
    index = json.loads((folder / "index.json").read_text())
    results = answers({case["name"]: folder / f"{case['name']}.onnx" for case in index}, tmp_path)
    (tmp_path / "results.json").write_text(json.dumps(results))
    counts, said = score("score_onnx_tests.py", folder, tmp_path / "results.json")
    assert counts.get("WRONG", 0) == 0 and counts.get("ERROR", 0) == 0, said
    assert counts["EXACT"] >= 1080 and counts["WEAKER"] <= 5, said
    errors = {case["name"] for case in index if case.get("verified_error")}
    missed = {name for name in errors if "error" not in results[name]}
    assert len(errors) == 201 and missed == WARNED


# -- graphs of transformers ------------------------------------------------------------------------------------------------

# Part of the name → what is wrong with the file: nothing runs it either.
REFUSED = {
    "transform__fusion__attention_distilbert": "expected 3 elements",
    "transform__fusion__embed_layer_norm_format2": "expected shapes that broadcast",
    "transform__fusion__reshape_fusion_multiple_values_in_initializer_tensor_1": "expected 6000 elements",
}

BINDINGS = [[3, 5, 7, 11, 13, 17, 19, 23], [5, 2, 3, 7, 11, 13, 17, 19], [2, 1, 5, 3, 7, 11, 13, 17]]
EQUAL = [2, 4, 8, 1]  # graphs that want some of their symbols equal


def candidates(symbols):
    if not symbols:
        return [{}]
    return ([dict(zip(symbols, sizes * (len(symbols) // len(sizes) + 1))) for sizes in BINDINGS]
            + [dict.fromkeys(symbols, size) for size in EQUAL])


def compare(values, got, binding):
    """Names whose shape is not what running gave; how many are right; how many are not known."""
    wrong, right, unknown = [], 0, []
    for name, true in got.items():
        shape = (values.get(name) or {}).get("shape")
        found = None if shape is None else [value_of(dim, binding) for dim in shape]
        if found is None or None in found:
            unknown.append(name)
        elif found == true:
            right += 1
        else:
            wrong.append((name, shape, true, binding))
    return wrong, right, unknown


def test_graphs_of_transformers(suites, tmp_path):
    """Every tensor of every graph, at three bindings where the graph has symbols."""
    graphs = sorted(path for path in (suites / "ort_transformer_graphs").glob("*.onnx") if path.stat().st_size)
    assert len(graphs) >= 189
    found = contract.shapes(graphs, tmp_path)
    right, ran, at_three = 0, 0, 0
    for graph in graphs:
        answer = found[graph]
        if why := REFUSED.get(graph.stem):
            assert why in answer["error"]
            continue
        assert "error" not in answer, answer["error"]
        values = answer["values"]
        if execution.outside_bytes(graph) > MOST_WEIGHTS:
            continue
        try:
            running = execution.session(graph)
            inputs = {entry.name: values[entry.name]["shape"] for entry in running.get_inputs()}
        except execution.NotRun:
            continue
        done = 0
        for binding in candidates(execution.symbols_of(inputs.values())):
            dims = {name: [value_of(dim, binding) for dim in shape] for name, shape in inputs.items()}
            try:
                got = execution.shapes_at(running, dims)
            except execution.NotRun:
                continue
            wrong, as_run, unknown = compare(values, got, binding)
            assert not wrong, (graph.name, wrong[:5])
            assert not unknown, (graph.name, unknown[:5])
            right += as_run
            done += 1
            if done == len(BINDINGS):
                break
        ran += done > 0
        at_three += done == len(BINDINGS)
    assert ran >= 155 and at_three >= 65 and right > 25000, (ran, at_three, right)
