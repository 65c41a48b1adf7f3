"""Decoding, speculation, what fits, requests, explanations: the parts add up, and every figure follows from the formulas
that stand beside it."""

import json
import subprocess
from fractions import Fraction

import contract
import jsonschema
import onnx
import pytest
from export_check import xf_opt

MODELS = sorted(contract.MODELS.glob("*.onnx"))
GPT2_XL = contract.MODELS / "gpt2-xl.onnx"
GPT2 = contract.MODELS / "gpt2_nopast_sdpa_ts17.onnx"
LLAMA = contract.MODELS / "llama3-8b-2l_withpast_optimum.onnx"
LLAMA_DRAFT = contract.MODELS / "llama-2l_gqa_fp32_genai.onnx"
PEAK, BANDWIDTH = 65e12, 300e9  # NVIDIA T4, fp16


@pytest.fixture(scope="module")
def validator():
    schema = json.loads((contract.ROOT / "docs" / "xf-analyze.schema.json").read_text())
    return jsonschema.Draft202012Validator(schema)


def analyze(validator, model, *options):
    report = contract.analyze(model, *options)
    assert [error.message[:200] for error in validator.iter_errors(report)] == []
    return report


def time(flops, size):
    return max(flops / PEAK, size / BANDWIDTH)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_step(model, validator):
    report = analyze(validator, model, "--gpu=t4,a100-80gb", "--view=decode", "--dtype=fp16")
    decode = report["decode"]
    if "none" in decode:
        assert decode["textbook"] is None and decode["graph"] is None and decode["points"] == []
        return
    bandwidth = {gpu["key"]: gpu["bandwidth"] for gpu in report["gpus"]}
    for point in decode["points"]:
        assert point["weights_bytes"] + point["cache_bytes"] + point["other_bytes"] == point["bytes"]
        assert point["other_bytes"] >= 0
        rate = bandwidth[point["gpu"]]
        times = {part: point[f"{part}_bytes"] / rate for part in ("weights", "cache", "other")}
        for part, seconds in times.items():
            assert point[f"{part}_time_s"] == pytest.approx(seconds, rel=1e-12)
        times["compute"] = point["compute_time_s"]
        assert times[point["dominant"]] == pytest.approx(max(times.values()), rel=1e-12)
        assert point["time_s"] == pytest.approx(max(point["bytes"] / rate, point["compute_time_s"]), rel=1e-12)
        if point["no_cache_time_s"] is not None:
            assert point["speedup_over_no_cache"] == pytest.approx(point["no_cache_time_s"] / point["time_s"])
    for name in ("textbook", "graph"):
        step = decode[name]
        if step is None:
            continue
        for point in decode["points"]:
            if point["ledger"] != name:
                continue
            binding = dict(point["at"])
            for ours, theirs in (("flops", "flops"), ("bytes", "bytes"), ("weight_bytes", "weights_bytes"),
                                 ("cache_bytes", "cache_bytes"), ("other_bytes", "other_bytes")):
                assert contract.evaluate(step[ours], binding) == point[theirs]
            for figure in ("flops", "bytes"):
                for parts in ("roles", "layers"):
                    total = sum(contract.evaluate(part[figure], binding) for part in step[parts])
                    assert total == point[figure], (name, figure, parts)


@pytest.mark.parametrize("without", ["gpt2_nopast_sdpa_ts17", "gpt2_nopast_mask_ts17", "gpt2_nopast_dynamo20_sdpa"])
def test_two_roads_to_a_step(without, validator):
    """The graph after the kv-cache pass has the products of the exporter's own graph with a cache."""
    cached = analyze(validator, contract.MODELS / "gpt2_decoder_with_past_optimum.onnx", "--view=decode")["decode"]
    rewritten = analyze(validator, contract.MODELS / f"{without}.onnx", "--view=decode")["decode"]
    assert rewritten["graph_rewritten"] and not cached["graph_rewritten"]
    for B, N in [(1, 1), (1, 1024), (7, 33)]:
        binding = {"B": B, "N": N}
        for ledger, figures in (("textbook", ("flops", "bytes", "kv_cache_bytes", "cache_bytes")),
                                ("graph", ("matrix_flops", "kv_cache_bytes", "cache_bytes"))):
            for figure in figures:
                assert contract.evaluate(rewritten[ledger][figure], binding) == \
                    contract.evaluate(cached[ledger][figure], binding), (ledger, figure, binding)


@pytest.mark.parametrize("passes", ["O1", "O2"])
def test_a_fused_graph_has_a_step(passes, validator, tmp_path):
    """Kernels are taken apart for the cache and made again: the step has the FLOPs of the graph's own, and fewer bytes."""
    plain, fused = contract.MODELS / "kv" / "gpt2_ts17.onnx", tmp_path / "fused.onnx"
    xf_opt(plain, f"--passes={passes}", "-o", fused)
    before, after = (analyze(validator, path, "--view=decode")["decode"] for path in (plain, fused))
    assert "graph_fused_again" not in before
    assert set(after["graph_fused_again"].split(",")) == {
        "O1": {"fuse-scale", "fuse-mask-softmax", "fuse-norm", "elementwise"},
        "O2": {"fuse-attention", "fuse-epilogue", "elementwise"} - {"elementwise"}}[passes]
    for binding in ({"B": 1, "N": 64}, {"B": 5, "N": 1024}):
        old, new = ([contract.evaluate(decode["graph"][figure], binding) for figure in ("flops", "bytes")] for decode in (before, after))
        assert old[0] == new[0] and old[1] > new[1]
    # As in one go.
    again = tmp_path / "again.onnx"
    xf_opt(plain, f"--passes=kv-cache,{after['graph_fused_again']}", "-o", again)
    direct = analyze(validator, again, "--view=decode")["decode"]
    for figure in ("flops", "bytes", "cache_bytes"):
        assert contract.evaluate(direct["graph"][figure], binding) == contract.evaluate(after["graph"][figure], binding)


def value(ratio, binding):
    return Fraction(contract.evaluate(ratio["numerator"], binding), contract.evaluate(ratio["denominator"], binding))


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_intensity(model, validator):
    report = analyze(validator, model, "--view=decode")
    for against in report["decode"].get("intensity", []):
        verdict = against["no_cache_is_larger"]
        symbols = set(verdict["over"])
        for domain, larger in ((verdict["proved_over"], True), (verdict["fails_at"], False)):
            if domain is None:
                continue
            for steps in ((0, 0), (1, 0), (0, 1), (3, 5), (100, 1000)) if larger else ((0, 0),):
                binding = {name: least + steps[name == "N"] for name, least in domain.items()}
                assert (value(against["no_cache"], binding) > value(against["cached"], binding)) == larger, binding
        for side in ("cached", "no_cache"):
            for growth in against[side]["along"]:
                if growth["limit"]["kind"] != "finite":
                    continue
                binding = {name: 3 for name in symbols}
                binding[growth["symbol"]] = 10**15
                assert float(value(against[side], binding)) == pytest.approx(float(value(growth["limit"], binding)),
                                                                             rel=1e-3)


def test_no_cache_is_larger_for_gpt2_xl(validator):
    against = analyze(validator, GPT2_XL, "--view=decode")["decode"]["intensity"][0]
    assert against["no_cache_is_larger"]["verdict"] == "proved"
    assert against["no_cache_is_larger"]["over"] == {"B": 1, "N": 2}


@pytest.mark.parametrize("target, draft", [(GPT2_XL, GPT2), (LLAMA, LLAMA_DRAFT), (GPT2, GPT2)],
                         ids=lambda path: path.stem)
@pytest.mark.parametrize("gamma, alpha", [(1, 0.0), (4, 0.8), (7, 0.95)])
def test_speculation(target, draft, gamma, alpha, validator):
    options = ["--gpu=t4", "--dtype=fp16", "--ledger=textbook"]
    report = analyze(validator, target, *options, f"--draft={draft}", f"--gamma={gamma}", f"--alpha={alpha}")
    costs = report["speculative_costs"]
    step = analyze(validator, target, *options, "--view=decode")["decode"]["textbook"]
    small = analyze(validator, draft, *options, "--view=decode")["decode"]["textbook"]
    assert len(report["speculative"]) == 4
    for row in report["speculative"]:
        at = row["at"]
        several = at | {"m": gamma + 1, "N": at["N"] + gamma}
        tokens = sum(alpha**power for power in range(gamma + 1))
        seconds = {name: time(contract.evaluate(ledger["flops"], at), contract.evaluate(ledger["bytes"], at))
                   for name, ledger in (("step", step), ("draft_step", small))}
        verify = time(contract.evaluate(costs["verify_flops"], several), contract.evaluate(costs["verify_bytes"], several))
        per_token = (gamma * seconds["draft_step"] + verify) / tokens
        expected = {"expected_tokens": tokens, "step_time_s": seconds["step"], "verify_time_s": verify,
                    "draft_step_time_s": seconds["draft_step"], "time_per_token_s": per_token,
                    "weights_time_per_token_s": step_weights(step, at) / tokens,
                    "speedup": seconds["step"] / per_token}
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-9)
        assert row["best_speedup"] >= row["speedup"] * (1 - 1e-12)
        limit = row["stops_paying_at_batch"]
        if row["speedup"] <= 1:
            assert limit is not None and limit <= at["B"]


def step_weights(step, at):
    return contract.evaluate(step["weight_bytes"], at) / BANDWIDTH


def test_more_rows_cost_more(validator):  # a verification of one row is no less than a step: it may be masked
    report = analyze(validator, GPT2_XL, "--gpu=t4", f"--draft={GPT2}")
    costs = report["speculative_costs"]
    for B, N in [(1, 32), (8, 1000)]:
        sizes = [contract.evaluate(costs["verify_bytes"], {"B": B, "N": N, "m": m}) for m in range(1, 9)]
        assert sizes == sorted(sizes)
        assert sizes[0] >= 2949888000 + 3072000 * B + 316800 * B * N


@pytest.mark.parametrize("model", [GPT2_XL, LLAMA, GPT2, contract.MODELS / "whisper-tiny_encoder_optimum.onnx"],
                         ids=lambda path: path.stem)
def test_fit(model, validator):
    fit = analyze(validator, model, "--fit=t4,a100-80gb", "--dtype=fp16")["fit"]
    assert fit["rows"]
    for row in fit["rows"]:
        def needed(largest):
            binding = row["fixed"] | {row["along"]: largest}
            return sum(contract.evaluate(fit[part], binding)
                       for part in ("weights_bytes", "cache_bytes", "activation_bytes"))

        if row["verdict"] == "fits":
            assert needed(row["largest"]) <= row["memory_bytes"] < needed(row["largest"] + 1)
            assert needed(row["largest"]) == row["weights_bytes"] + row["cache_bytes"] + row["activation_bytes"]
        else:
            assert row["verdict"] == "nothing" and needed(1) > row["memory_bytes"]


@pytest.mark.parametrize("model", [GPT2_XL, LLAMA], ids=lambda path: path.stem)
def test_request(model, validator):
    options = ["--gpu=t4", "--dtype=fp16", "--ledger=textbook"]
    step = analyze(validator, model, *options, "--view=decode")["decode"]["textbook"]
    request = analyze(validator, model, *options, "--request=prompt=1000,new=50")["request"]
    assert [row["at"]["B"] for row in request["rows"]] == [1, 64]
    for row in request["rows"]:
        steps = []
        for N in range(1001, 1050):  # the first token comes from the prompt
            at = row["at"] | {"N": N}
            steps.append(time(contract.evaluate(step["flops"], at), contract.evaluate(step["bytes"], at)))
        assert row["time_per_token_s"] == pytest.approx(sum(steps) / 49, rel=1e-9)
        assert row["time_total_s"] == pytest.approx(row["time_to_first_token_s"] + sum(steps), rel=1e-9)
        assert row["tokens_per_s"] == pytest.approx(50 * row["at"]["B"] / row["time_total_s"], rel=1e-9)
    one = analyze(validator, model, *options, "--at=B=1,N=1000")["points"][0]
    if model == GPT2_XL:
        assert request["rows"][0]["time_to_first_token_s"] == pytest.approx(one["time_s"], rel=1e-12)


ROLES = ["q_proj", "k_proj", "v_proj", "qk", "scale", "mask", "softmax", "av", "out_proj", "mlp_up", "mlp_gate", "mlp_down"]


@pytest.mark.parametrize("model", [GPT2_XL, LLAMA], ids=lambda path: path.stem)
def test_explanations_arrive_at_the_ledger(model, validator):
    ledger = analyze(validator, model)["ledgers"]["textbook"]
    rows = {row["role"]: row for row in ledger["roles"]}
    report = analyze(validator, model, "--explain=" + ",".join(role for role in ROLES if role in rows))
    symbols = {symbol["name"]: 3 + index for index, symbol in enumerate(report["symbols"])}
    assert len(report["explain"]) == len(rows)
    for told in report["explain"]:
        row = rows[told["role"]]
        binding = symbols | told["letters"]
        assert told["count"] == row["count"]
        for figure in ("flops", "bytes"):
            parts = sum(contract.evaluate(step[figure], binding) for step in told["steps"]
                        if not step["result"] and step[figure] is not None)
            assert parts * told["count"] == contract.evaluate(row[figure], binding), (told["role"], figure)


def test_what_is_known_in_part_is_not_stated_as_fact(tmp_path):
    """An operator that nobody knows in the first layer: times are lower bounds, rates upper ones, and no ratio is given."""
    model = onnx.load(GPT2, load_external_data=False)
    node = next(node for node in model.graph.node if node.op_type == "Tanh")
    node.op_type, node.domain = "Invented", "acme"
    model.opset_import.append(onnx.helper.make_opsetid("acme", 1))
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    whole = contract.analyze(GPT2, "--gpu=t4", "--request=prompt=64,new=16", "--at=B=1,N=64")["request"]
    part = contract.analyze(path, "--gpu=t4", "--request=prompt=64,new=16", "--at=B=1,N=64")["request"]
    assert whole["exact"] and not part["exact"]
    assert part["rows"][0]["time_total_s"] <= whole["rows"][0]["time_total_s"]
    text = subprocess.run([contract.BIN / "xf-analyze", path, "--gpu=t4", "--request=prompt=64,new=16", "--view=decode"], capture_output=True,
                          text=True, check=True).stdout
    request = text[text.index("Request"):]
    assert "≥" in request and "≤" in request
    assert "?)" not in text  # no formula with an unknown in it
    report = contract.analyze(GPT2, "--gpu=t4", f"--draft={path}", "--gamma=3", "--alpha=0.8")
    assert report["speculative_costs"]["none"] == "what a step of the draft costs is known in part only"
