"""--passes and --view=passes: what is announced is what analysing the rewritten graph gives; the ladder's rungs."""

import contract
import pytest
from export_check import xf_opt
from fusion_check import FUSIONS, PIPELINES

MODELS = [contract.MODELS / f"{name}.onnx" for name in ("gpt2-xl", "llama3-8b-2l_nopast_ts17", "t5-small_encoder_optimum", "mamba-130m-2l_nopast_ts17")]
RUNGS = ["as written", "O1", "O2", "with a cache", "int4 weights", "speculative"]


@pytest.mark.parametrize("passes", [*FUSIONS, "split-qkv", "kv-cache", *PIPELINES])
@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_announced_is_what_is_emitted(model, passes, tmp_path):
    out = tmp_path / "out.onnx"
    xf_opt(model, f"--passes={passes}", "-o", out)
    announced = contract.analyze(model, f"--passes={passes}", "--view=passes", "--gpu=t4,h100")
    emitted, written = contract.analyze(out, "--gpu=t4,h100"), contract.analyze(model)
    steps = announced["passes"]
    for ledger in ("textbook", "graph"):
        assert steps[0]["before"][ledger] == written["ledgers"][ledger]
        assert steps[-1]["after"][ledger] == emitted["ledgers"][ledger] == announced["ledgers"][ledger]
        for one, next_one in zip(steps, steps[1:]):
            assert one["after"] == next_one["before"]
            if not next_one["fired"]:
                assert next_one["after"] == next_one["before"]
    figures = lambda points: [(p["at"], p["gpu"], p["ledger"], p["flops"], p["bytes"], p["time_s"]) for p in points]
    assert figures(steps[-1]["after"]["points"]) == figures(emitted["points"])
    assert all(step["fired"] or step["refused"] or step["after"] == step["before"] for step in steps)


def test_ladder():
    report = contract.analyze(MODELS[0], "--view=passes", "--gpu=t4", "--at=B=1,N=1024", "--ledger=graph")
    rungs = {rung["rung"]: rung for rung in report["ladder"]}
    assert list(rungs) == RUNGS
    points = {name: rung["points"][0] for name, rung in rungs.items()}
    assert [points[name]["bytes"] for name in RUNGS[:5]] == sorted((points[name]["bytes"] for name in RUNGS[:5]), reverse=True)
    assert points["as written"]["flops"] == points["O1"]["flops"] == points["O2"]["flops"]
    # By hand: what a step with a cache moves on a T4 (300 GB/s).
    assert points["with a cache"]["bound"] == "memory"
    assert points["with a cache"]["time_s"] == pytest.approx(points["with a cache"]["bytes"] / 300e9)
    # Four of sixteen bits, and 16 more for each 128 weights: 0.2578 of the matrices' bytes.
    matrices = 3_111_945_600 - 803_785_226
    assert matrices / (1 - 4.125 / 16) < 3_111_945_600
    assert points["with a cache"]["bytes"] - points["int4 weights"]["bytes"] == pytest.approx(matrices, rel=1e-3)
    # Leviathan et al. 2023, equation 1: γ = 4, α = 0.8.
    expected = (1 - 0.8**5) / (1 - 0.8)
    assert points["speculative"]["at"] == {"B": 1, "N": 1024, "S": 5}
    assert points["speculative"]["time_per_token_s"] == pytest.approx(points["speculative"]["time_s"] / expected)
    for point in points.values():
        assert point["attained_flops"] == pytest.approx(point["flops"] / point["time_s"])


def test_a_rung_that_is_not_there_says_why():
    report = contract.analyze(contract.MODELS / "distilbert_optimum.onnx", "--view=passes", "--ledger=graph")
    cached = next(rung for rung in report["ladder"] if rung["rung"] == "with a cache")
    assert cached["points"] == [] and cached["graph"] is None
    assert "the kv-cache pass does not fire" in cached["none"]


def test_what_ifs():
    report = contract.analyze(MODELS[0], "--view=passes", "--gpu=h100", "--at=B=2,N=1024", "--ledger=graph",
                              "--what-if=tensor-parallel=5,tensor-parallel=2,chunked-prefill=256,kv-bits=8")
    points = {rung["rung"]: rung["points"][0] for rung in report["ladder"] if rung["points"]}
    step, prefill = points["with a cache"], points["O2"]
    # 307,200 bytes a position of each sequence, half of them.
    assert step["bytes"] - points["with a cache, kv-bits=8"]["bytes"] == 2 * 1024 * 307_200 // 2
    # Three chunks more read the weights (not the embeddings' rows); before the chunks stand 0, 256, 512 and 768 positions.
    weights = 3_111_945_600
    assert points["O2, chunked-prefill=256"]["bytes"] - prefill["bytes"] == 3 * weights + 2 * (256 + 512 + 768) * 307_200
    # Two sums a layer of B rows of D on a link of 450 GB/s each way (ring: 2 · 4/5 of the bytes).
    shared = points["with a cache, tensor-parallel=5"]
    sums = 2 * 4 / 5 * 48 * 2 * 2 * 1600 * 2 / 450e9
    assert shared["time_s"] == pytest.approx(shared["bytes"] / 3350e9 + sums)
    refused = next(rung for rung in report["ladder"] if rung["rung"].endswith("tensor-parallel=2"))
    assert refused["points"] == [] and "25 heads, which 2 devices cannot share" in refused["none"]
