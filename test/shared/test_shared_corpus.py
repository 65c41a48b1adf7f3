"""Every graph of ../shared/corpus is analysed: exporters of all kinds, none of them ours."""

import re
import subprocess

import contract
import pytest

FOLDER = contract.SHARED / "corpus"
GRAPHS = sorted(FOLDER.rglob("*.onnx"))

# Wrong on purpose: part of the name, what the complaint is about. What makes invalid_dim_param_value_repetition invalid is
# not in the file (docs/CORPUS.md).
REFUSED = {"matmulnbits_invalid_zp_dims_test": "expected 4 elements of zero points, got [5]"}

# Nodes whose cost nobody can know: part of the graph's name, what explains each of them.
UNKNOWN = {
    "sparse_attention_test": "which blocks are present",
    "beamsearch": "BeamSearch|how many steps it takes depends on data",
    "dummy_t5_with_outer_scope": "BeamSearch|how many steps it takes depends on data",
    "bert_toy_optimized_bw": "training operators have no body|gradient of a Reshape",
    "gh_issue_11717": "the branches of If differ",
    "this_fail": "",  # any: half of a training step, by operators that only its framework knows
    "opset_01": "the repeats are known at run time only",
}


def entry(table, graph):
    return next((value for name, value in table.items() if name in graph.name), None)


def test_there_is_a_corpus(shared):
    assert len(GRAPHS) >= 63


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_analysed(graph):
    if (why := entry(REFUSED, graph)) is not None:
        done = subprocess.run([contract.BIN / "xf-analyze", graph], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (1, "") and why in done.stderr
        return
    report = contract.analyze(graph)
    coverage = report["coverage"]
    assert coverage["nodes"] > 0 or graph.name == "dummy_text.onnx"  # its inputs are its outputs
    excuse = entry(UNKNOWN, graph)
    surprising = [node for node in coverage["unknown"] if excuse is None or not re.search(excuse, node["why"])]
    assert not surprising, surprising[:10]
    assert coverage["unknown"] or coverage["costed"] == coverage["shaped"] == coverage["nodes"]
    assert report["ledgers"]["graph"]["exact"] == (coverage["costed"] == coverage["nodes"])
