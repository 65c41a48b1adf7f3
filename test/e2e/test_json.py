"""--format=json: the schema holds, expressions evaluate, parts add up, and GPT-2 XL has the seed's polynomials."""

import json
import random

import contract
import jsonschema
import pytest

MODELS = sorted(contract.MODELS.glob("*.onnx"))
SCHEMA = contract.ROOT / "docs" / "xf-analyze.schema.json"
GPT2_XL = contract.MODELS / "gpt2-xl.onnx"


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def violations(validator, report):
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(report)]


def bindings(report, rounds=3):
    """Bindings of the report's symbols to small numbers."""
    pick = random.Random(1)
    return [{symbol["name"]: pick.choice([1, 2, 3, 5, 8, 13]) for symbol in report["symbols"]} for _ in range(rounds)]


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_report(model, validator):
    report = contract.analyze(model, "--gpu=t4,a100-80gb")
    assert not violations(validator, report)
    for name, ledger in report["ledgers"].items():
        if ledger is None:  # not asked for, or no transformer
            continue
        for binding in bindings(report):
            def value(expression):
                return contract.evaluate(expression, binding)

            # Σ roles = Σ layers = total
            for parts in ("roles", "layers"):
                for figure in ("flops", "bytes"):
                    total = sum(value(part[figure]) for part in ledger[parts])
                    assert total == value(ledger[figure]), (name, parts, figure, binding)
            assert value(ledger["bytes_read"]) + value(ledger["bytes_written"]) == value(ledger["bytes"])
            assert 0 <= value(ledger["matrix_flops"]) <= value(ledger["flops"])


@pytest.mark.parametrize("options", [
    ["--gpu=t4", "--at=B=1,N=1", "--at=B=2,N=7"],
    ["--gpu=t4", "--sweep=N=32:256:x2", "--ledger=textbook"],
    ["--view=nodes", "--ledger=graph"],
    ["--gpu=a100-80gb", "--view=decode"],
    ["--gpu=t4,a100-80gb", "--view=crossover,memory", "--scope=attention"],
    ["--dtype=fp32", "--gpu=t4"],
], ids=" ".join)
def test_options(options, validator):
    assert not violations(validator, contract.analyze(GPT2_XL, *options))


def test_gpt2_xl_full_pass():  # T2 to T6, D = 1600, H = 25, L = 48, n = 2
    report = contract.analyze(GPT2_XL, "--ledger=textbook")
    ledger = report["ledgers"]["textbook"]
    for B, N in [(1, 1), (1, 32), (64, 1024), (3, 7)]:
        binding = {"B": B, "N": N}
        assert contract.evaluate(ledger["flops"], binding) == 2949504000 * B * N + 313200 * B * N**2
        assert contract.evaluate(ledger["bytes"], binding) == 2949888000 + 3379200 * B * N + 14400 * B * N**2
    assert ledger["exact"] is True


def test_gpt2_xl_cached_step():  # T7
    decode = contract.analyze(GPT2_XL, "--gpu=a100-80gb", "--view=decode")["decode"]["textbook"]
    for B, N in [(1, 1), (1, 1024), (64, 32)]:
        binding = {"B": B, "N": N}
        assert contract.evaluate(decode["flops"], binding) == 2949504000 * B + 312000 * B * N
        assert contract.evaluate(decode["bytes"], binding) == 2949888000 + 3072000 * B + 316800 * B * N
        assert contract.evaluate(decode["kv_cache_bytes"], binding) == 307200 * B * N


def test_gpt2_xl_points():  # C18: the seed's single peak and bandwidth, 65e12 and 300e9
    report = contract.analyze(GPT2_XL, "--gpu=t4", "--ledger=textbook")
    points = [point for point in report["points"] if point["ledger"] == "textbook"]
    assert [(point["at"]["B"], point["at"]["N"]) for point in points] == [(1, 32), (1, 1024), (64, 32), (64, 1024)]
    for point in points:
        B, N = point["at"]["B"], point["at"]["N"]
        flops = 2949504000 * B * N + 313200 * B * N**2
        size = 2949888000 + 3379200 * B * N + 14400 * B * N**2
        assert (point["flops"], point["bytes"]) == (flops, size)
        assert point["ai"] == pytest.approx(flops / size, rel=1e-12)
        assert point["time_compute_s"] == pytest.approx(flops / 65e12, rel=1e-12)
        assert point["time_memory_s"] == pytest.approx(size / 300e9, rel=1e-12)
        assert point["time_s"] == max(point["time_compute_s"], point["time_memory_s"])
        assert point["bound"] == ("compute" if flops * 300 > size * 65000 else "memory")
        assert point["time_per_op_s"] >= point["time_s"] * (1 - 1e-12)  # C19
