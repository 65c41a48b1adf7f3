"""What holds of every fusion: ONNX Runtime computes the same, unfuse takes it back, FLOPs stay and bytes never grow."""

import subprocess
from collections import Counter

import contract
import numpy as np
import onnx
from export_check import run_tokens, xf_opt

FUSIONS = ["fuse-scale", "fuse-mask-softmax", "fuse-attention", "fuse-epilogue", "fuse-norm", "fuse-rotary", "pack-qkv", "elementwise"]
"""Each a pass whose inverse is unfuse."""
PIPELINES = ["O1", "O2"]
ALL_PASSES = ",".join(FUSIONS)


def nodes(path):
    """The main graph's nodes as they are, wherever they stand."""
    return Counter(node.SerializeToString(deterministic=True)
                   for node in onnx.load(path, load_external_data=False).graph.node)


def meaning(graph, outer):
    """The graph whatever its inner values and nodes are called, wherever they stand: a value is what computes it."""
    keys = {**outer, **{value.name: ("input", index) for index, value in enumerate(graph.input) if outer}}
    found = Counter()
    for node in graph.node:
        attributes = tuple(hash(meaning(attribute.g, keys)) if attribute.type == onnx.AttributeProto.GRAPH
                           else attribute.SerializeToString(deterministic=True) for attribute in node.attribute)
        key = hash((node.domain, node.op_type, tuple(keys.get(name, name) for name in node.input), attributes))
        keys.update({name: (key, index) for index, name in enumerate(node.output)})
        found[key] += 1
    return frozenset(found.items()), tuple(keys.get(output.name, output.name) for output in graph.output)


def has_bodies(path):
    return any(attribute.type == onnx.AttributeProto.GRAPH
               for node in onnx.load(path, load_external_data=False).graph.node for attribute in node.attribute)


def meaning_of(path):
    return meaning(onnx.load(path, load_external_data=False).graph, {})


def ledger(path):
    """FLOPs and bytes of the graph ledger, and the symbols they are in."""
    report = contract.analyze(path, "--ledger=graph")
    graph = report["ledgers"]["graph"]
    return graph["flops"], graph["bytes"], [symbol["name"] for symbol in report["symbols"]]


def check_fuse_and_unfuse(model, scratch, passes=ALL_PASSES):
    plain, fused, again = (scratch / f"{name}.onnx" for name in ("plain", "fused", "again"))
    # Functions that the exporter wrote would be inlined too.
    xf_opt(model, "--passes=unfuse", "-o", plain)
    xf_opt(plain, f"--passes={passes}", "--verify-each", "-o", fused)
    xf_opt(fused, "--passes=unfuse", "--verify-each", "-o", again)
    assert meaning_of(again) == meaning_of(plain)
    names = [node.name for node in onnx.load(again, load_external_data=False).graph.node if node.name]
    if len(set(names)) < len(names):  # runtimes want them to differ; what the file itself has twice stays
        own = Counter(node.name for node in onnx.load(plain, load_external_data=False).graph.node)
        assert all(count <= own[name] for name, count in Counter(names).items())
    # Before functions that are the same in each layer were written once, names were there too (but for branches, which
    # may call different things the same).
    xf_opt(plain, f"--passes={passes},unfuse", "--verify-each", "-o", again)
    assert meaning_of(again) == meaning_of(plain)
    if not has_bodies(plain):
        assert nodes(again) == nodes(plain)

    flops, size, names = ledger(plain)
    flops_fused, size_fused, _ = ledger(fused)
    for n in (1, 7, 64):
        binding = {name: 1 if name == "B" else n for name in names}
        assert contract.evaluate(flops, binding) == contract.evaluate(flops_fused, binding)
        assert contract.evaluate(size_fused, binding) <= contract.evaluate(size, binding)


def check_same_results(model, passes, scratch, vocabulary=97):
    out = scratch / "out.onnx"
    xf_opt(model, f"--passes={passes}", "--verify-each", "-o", out)
    onnx.checker.check_model(str(out))
    for before, after in zip(run_tokens(model, vocabulary), run_tokens(out, vocabulary), strict=True):
        np.testing.assert_allclose(before, after, rtol=1e-5, atol=1e-6)


def outcome(model, name):
    """How often one pass fired, and the reasons where it did not."""
    done = subprocess.run([contract.BIN / "xf-opt", model, f"--passes={name}", "--explain", "-o", "/dev/null"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    fired = [int(line.split()[-2]) for line in done.stderr.splitlines() if line.startswith(f"note: {name}: fired")]
    return sum(fired), [line for line in done.stderr.splitlines() if line.startswith(f"refused: {name}: ")]
