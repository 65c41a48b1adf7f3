"""The laws of test/laws.py on the checked-in models: exports by three exporters, with and without a cache."""

import contract
import law_graphs
import laws
import pytest

GRAPHS = sorted((contract.MODELS / "kv").glob("*.onnx")) + [contract.MODELS / f"{name}.onnx" for name in (
    "plain_attnonly_2l_ts17", "plain_block_d1600_sdpa_dynamo23", "newops_llama_2l_staticcache_dynamo24",
    "plain_nn_transformerencoder_2l_dynamo20", "gpt2_decoder_with_past_optimum", "whisper-tiny_encoder_optimum",
    "llama-2l_gqa_fp32_genai")]


@pytest.mark.parametrize("law, graphs", [  # and how many at least it has something to say about
    (laws.binding_commutes, 5 * len(GRAPHS)),
    (laws.binding_commutes_in_costs, 5 * len(GRAPHS)),
    (laws.inferring_twice, len(GRAPHS)),
    (laws.renaming_commutes, len(GRAPHS)),
    (laws.renaming_commutes_in_costs, len(GRAPHS)),
    (laws.folding_keeps_costs, 8),
    (laws.unfolding_keeps_costs, 3),
], ids=lambda law: getattr(law, "__name__", ""))
def test_law(law, graphs, tmp_path):
    findings = law(GRAPHS, tmp_path)
    assert not findings.broken, (len(findings.broken), findings.broken[:5])
    assert findings.graphs >= graphs


def test_a_law_can_be_broken(tmp_path):
    """The answers of one graph for another: each comparison says so."""
    small, large = laws.inferred(GRAPHS[:2], tmp_path).values()
    assert list(laws.differences(small, large, {}))
    report, other = laws.reports([GRAPHS[0], GRAPHS[-1]], tmp_path).values()
    assert laws.totals(report, {}) != laws.totals(other, {})
    findings = laws.Findings()
    one, other = (law_graphs.bound(laws.load(GRAPHS[0]), {}, {"batch": size, "sequence": 7}) for size in (2, 5))
    laws.compare_costs(findings, [("two sizes", one, other)], tmp_path)
    assert findings.broken
