"""The laws of test/laws.py on all graphs of the suites, of the corpus and of the exports."""

import json
import tarfile

import contract
import laws
import pytest

# Law, suite → at least how many graphs (of bindings: graphs times bindings) and values it looks at.
LEAST = {
    (laws.binding_commutes, "node"): (11000, 80000),
    (laws.binding_commutes, "onnx"): (100, 400),
    (laws.binding_commutes, "transformer"): (480, 70000),
    (laws.binding_commutes, "corpus"): (200, 100000),
    (laws.binding_commutes, "exports"): (430, 600000),
    (laws.binding_commutes_in_costs, "node"): (11000, 55000),
    (laws.binding_commutes_in_costs, "onnx"): (100, 500),
    (laws.binding_commutes_in_costs, "transformer"): (480, 2400),
    (laws.binding_commutes_in_costs, "corpus"): (200, 1000),
    (laws.binding_commutes_in_costs, "exports"): (430, 2200),
    (laws.inferring_twice, "node"): (1942, 16000),
    (laws.inferring_twice, "constant"): (1942, 16000),
    (laws.inferring_twice, "onnx"): (900, 5800),
    (laws.inferring_twice, "transformer"): (185, 14000),
    (laws.inferring_twice, "corpus"): (61, 22000),
    (laws.inferring_twice, "exports"): (85, 120000),
    (laws.renaming_commutes, "node"): (1850, 16000),
    (laws.renaming_commutes, "onnx"): (20, 70),
    (laws.renaming_commutes, "transformer"): (85, 13000),
    (laws.renaming_commutes, "corpus"): (38, 19000),
    (laws.renaming_commutes, "exports"): (85, 120000),
    (laws.renaming_commutes_in_costs, "node"): (1850, 18000),
    (laws.renaming_commutes_in_costs, "transformer"): (85, 800),
    (laws.renaming_commutes_in_costs, "corpus"): (38, 380),
    (laws.renaming_commutes_in_costs, "exports"): (85, 850),
    (laws.folding_keeps_costs, "node"): (180, 9000),
    (laws.folding_keeps_costs, "transformer"): (12, 9000),
    (laws.folding_keeps_costs, "corpus"): (15, 9000),
    (laws.folding_keeps_costs, "exports"): (65, 80000),
    (laws.unfolding_keeps_costs, "constant"): (360, 1800),
    (laws.unfolding_keeps_costs, "node"): (340, 1800),
    (laws.unfolding_keeps_costs, "onnx"): (4, 9),
    (laws.unfolding_keeps_costs, "transformer"): (35, 9000),
    (laws.unfolding_keeps_costs, "corpus"): (25, 15000),
    (laws.unfolding_keeps_costs, "exports"): (30, 9000),
}

# The body of its Loop declares float[1] for what starts as float[x1_0]: right at x1_0 = 1 only.
DECLARED_FALSELY = "node__test_loop11"


@pytest.fixture(scope="module")
def suites(shared, tmp_path_factory):
    """{suite: graphs}, and bindings that the node cases are known to run with."""
    folder = tmp_path_factory.mktemp("suites")
    for archive in (shared / "suites").glob("*.tar.xz"):
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    cases = json.loads((folder / "cases_node" / "cases.json").read_text())
    node = {folder / "cases_node" / "C" / f"{case['id']}.onnx": case["bind"] for case in cases}
    found = {"node": list(node), "constant": sorted((folder / "cases_node" / "B").glob("*.onnx")),
             "onnx": sorted((folder / "dumped").glob("*.onnx")),
             "transformer": sorted(path for path in (folder / "ort_transformer_graphs").glob("*.onnx") if path.stat().st_size),
             "corpus": sorted((shared / "corpus").rglob("*.onnx")), "exports": sorted((shared / "models").rglob("*.onnx"))}
    return found, node


@pytest.mark.parametrize("law, suite", LEAST, ids=lambda part: getattr(part, "__name__", part))
def test_law(law, suite, suites, tmp_path):
    graphs, valid = suites
    findings = law(graphs[suite], tmp_path, valid)
    broken = [sentence for sentence in findings.broken
              if not (law is laws.binding_commutes and sentence.startswith(DECLARED_FALSELY))]
    assert not broken, (len(broken), broken[:5])
    least = LEAST[law, suite]
    assert findings.graphs >= least[0] and findings.values >= least[1], findings
