"""Laws that hold on every graph.

A law takes a folder and graphs, asks one batch about the graphs and one about what became of them, and gives the
sentences that say where it does not hold, and how much it has looked at. Symbols are those of the graphs' inputs, values
those of {1, 2, 5, 10}; what a declaration of another value brings in stays a symbol.
"""

import json
import subprocess
from dataclasses import dataclass, field

import contract
import onnx
from law_graphs import (at, bindings, bound, declared, execute, folded, input_expressions, load, renamed, shape_arithmetic,
                        symbols_of, unfolded, with_totals)


@dataclass
class Findings:
    broken: list = field(default_factory=list)  # sentences
    graphs: int = 0
    values: int = 0
    refused: int = 0  # graphs that cannot have these sizes


# -- asking ----------------------------------------------------------------------------------------------------------------

def inferred(models, scratch):
    """{path: {value: (element type, dims or None)}, or the sentence why not}"""
    return {path: line["error"] if "error" in line else
            {name: (value["elem"], value["shape"]) for name, value in line["values"].items()
             if value and value["kind"] == "tensor"}
            for path, line in contract.shapes(models, scratch).items()}


def reports(models, scratch, *options):
    """{path: report of xf-analyze, or the sentence why not}"""
    (scratch / "batch.txt").write_text("".join(f"{model}\n" for model in models))
    done = subprocess.run([contract.BIN / "xf-analyze", f"--batch={scratch / 'batch.txt'}", "--ledger=graph", *options],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {model: line.get("error", line) for model, line in zip(models, lines, strict=True)}


# -- shapes ----------------------------------------------------------------------------------------------------------------

def may_become(expected, found):
    """Of a dim: not known before, or the same; what is left of a symbol that no input has may be known now. A window that
    does not fit into so small an input has 0 places or fewer by the formula; runtimes differ in what they make of that."""
    return (expected is None or expected == found or isinstance(expected, str) and found is not None
            or isinstance(expected, int) and expected <= 0 and found is None)


def differences(before, after, binding):
    """before at the binding against after: sentences. What was not known may be known now, nothing else may change."""
    for name, (element, dims) in before.items():
        other, found = after.get(name, (None, None))
        if element not in (None, other):
            yield f"{name}: element type {element} becomes {other}"
        if dims is None:
            continue
        expected = [at(dim, binding) for dim in dims]
        if found is None or len(found) != len(dims) or not all(map(may_become, expected, found)):
            yield f"{name}: {dims} is {expected} at {binding}, inferred there {found}"


def bound_graphs(graphs, answers, scratch, valid=None):
    """{file: (graph, binding)} of each graph at each of its bindings."""
    cases = {}
    for place, path in enumerate(graphs):
        if isinstance(answers[path], str):
            continue
        expressions = input_expressions(load(path), answers[path])
        for number, binding in enumerate(bindings(symbols_of(expressions.values()), (valid or {}).get(path))):
            file = scratch / f"{place}_{number}.onnx"
            onnx.save(bound(load(path), expressions, binding), file)
            cases[file] = path, binding
    return cases


def binding_commutes(graphs, scratch, valid=None):
    """Inferring, then binding: as binding, then inferring. valid: {graph: a binding that it is known to run with}."""
    findings, before = Findings(), inferred(graphs, scratch)
    cases = bound_graphs(graphs, before, scratch, valid)
    after = inferred(list(cases), scratch)
    for file, (path, binding) in cases.items():
        if isinstance(after[file], str):
            findings.refused += 1
            continue
        findings.graphs += 1
        findings.values += len(before[path])
        findings.broken += [f"{path.name}: {what}" for what in differences(before[path], after[file], binding)]
    return findings


def inferring_twice(graphs, scratch, valid=None):
    """The same again, and with what was inferred as declarations."""
    findings, first = Findings(), inferred(graphs, scratch)
    again, cases = inferred(graphs, scratch), {}
    for place, path in enumerate(graphs):
        if first[path] != again[path]:
            findings.broken.append(f"{path.name}: another answer the second time")
        if not isinstance(first[path], str):
            file = scratch / f"{place}.onnx"
            onnx.save(declared(load(path), first[path]), file)
            cases[file] = path
    second = inferred(list(cases), scratch)
    for file, path in cases.items():
        findings.graphs += 1
        if isinstance(second[file], str):
            findings.broken.append(f"{path.name}: {second[file]}")
            continue
        findings.values += len(first[path])
        findings.broken += [f"{path.name}: {name}: {facts} becomes {second[file].get(name)}"
                            for name, facts in first[path].items() if facts != second[file].get(name)]
    return findings


def renamed_graphs(graphs, answers, scratch):
    """{file: (graph, {symbol: its new name})}; they sort in another order."""
    cases = {}
    for place, path in enumerate(graphs):
        if isinstance(answers[path], str):
            continue
        expressions = input_expressions(load(path), answers[path])
        symbols = symbols_of(expressions.values())
        # A size may be 0 where its name says past.
        names = {symbol: f"{'past' if 'past' in symbol.lower() else 'd'}{len(symbols) - rank}"
                 for rank, symbol in enumerate(sorted(symbols))}
        if symbols:
            file = scratch / f"{place}_renamed.onnx"
            onnx.save(renamed(load(path), expressions, names), file)
            cases[file] = path, names
    return cases


def far_apart(names):
    """Two bindings, each to sizes that are all different: of the symbols as they were, and as they are called now."""
    for step in (1, 2):
        binding = with_totals({symbol: 7 + 4 * step * rank for rank, symbol in enumerate(names)})
        yield binding, {names[symbol]: size for symbol, size in binding.items()}


def renaming_commutes(graphs, scratch, valid=None):
    """Other names for the symbols: the same sizes. At two bindings, for the terms of a text are sorted by name."""
    findings, before = Findings(), inferred(graphs, scratch)
    cases = renamed_graphs(graphs, before, scratch)
    after = inferred(list(cases), scratch)
    for file, (path, names) in cases.items():
        if isinstance(after[file], str):
            findings.broken.append(f"{path.name}: {after[file]}")
            continue
        findings.graphs += 1
        findings.values += len(before[path])
        for binding, other in far_apart(names):
            for name, (element, dims) in before[path].items():
                kind, found = after[file].get(name, (None, None))
                expected = dims and [at(dim, binding) for dim in dims]
                if kind != element or expected != (found and [at(dim, other) for dim in found]):
                    findings.broken.append(f"{path.name}: {name}: {dims} becomes {found} with {names}")
    return findings


# -- costs -----------------------------------------------------------------------------------------------------------------

FIGURES = ("matrix_flops", "flops", "bytes_read", "bytes_written", "weight_bytes")


def totals(report, binding):
    """The graph ledger's figures; symbols that the binding does not name are 1."""
    sizes = {symbol["name"]: at(symbol["graph_name"], binding) for symbol in report["symbols"]}
    values = {name: size if isinstance(size, int) else 1 for name, size in sizes.items()}
    ledger = report["ledgers"]["graph"]
    return {figure: contract.evaluate(ledger[figure], values) for figure in FIGURES}


def binding_commutes_in_costs(graphs, scratch, valid=None):
    """Totals at a binding are the totals of the bound graph. But C12 does not read a constant that has one element, and
    whether that is so may be known when sizes are."""
    findings, answers = Findings(), inferred(graphs, scratch)
    before, cases = reports(graphs, scratch), bound_graphs(graphs, answers, scratch, valid)
    after = reports(list(cases), scratch)
    for file, (path, binding) in cases.items():
        if isinstance(after[file], str) or isinstance(before[path], str) or not fits(before[path], after[file]):
            findings.refused += 1
            continue
        findings.graphs += 1
        expected, found = totals(before[path], binding), totals(after[file], {})
        exact = before[path]["ledgers"]["graph"]["exact"]
        findings.values += len(expected)
        for figure in FIGURES:
            more = expected[figure] - found[figure]
            if more and not (more < 0 and not exact) and not (more > 0 and figure in ("bytes_read", "weight_bytes") and 1 in binding.values()):
                findings.broken.append(f"{path.name}: {figure} is {expected[figure]} at {binding}, of the bound graph "
                                       f"{found[figure]}")
    return findings


def renaming_commutes_in_costs(graphs, scratch, valid=None):
    """Other names for the symbols: the same totals."""
    findings = Findings()
    cases = renamed_graphs(graphs, inferred(graphs, scratch), scratch)
    before, after = reports(graphs, scratch), reports(list(cases), scratch)
    for file, (path, names) in cases.items():
        findings.graphs += 1
        for binding, other in far_apart(names):
            expected, found = totals(before[path], binding), totals(after[file], other)
            findings.values += len(expected)
            if expected != found:
                findings.broken.append(f"{path.name}: {expected} becomes {found} with {names}")
    return findings


def fits(before, after):
    """Nothing became unknown: a window that does not fit, operands that do not broadcast."""
    return after["coverage"]["costed"] >= before["coverage"]["costed"]


def costs(report):
    """{first output: what it costs} of the nodes."""
    return {node["outputs"][0]["name"]: (node["op"], node["flops"], node["bytes_read"], node["bytes_written"])
            for node in report["nodes"] if node["outputs"]}


def compare_costs(findings, graphs, scratch):
    """graphs: (name, model, the same model otherwise). Every node that both have costs the same in both."""
    pairs = []
    for place, (name, one, other) in enumerate(graphs):
        files = scratch / f"{place}_one.onnx", scratch / f"{place}_other.onnx"
        for file, model in zip(files, (one, other)):
            onnx.save(model, file)
        pairs.append((name, *files))
    found = reports([file for _, *files in pairs for file in files], scratch, "--view=nodes")
    for name, one, other in pairs:
        if isinstance(found[one], str) or isinstance(found[other], str):
            sentences = [str(found[file]).removeprefix(str(file))[:300] for file in (one, other)]
            if sentences[0] != sentences[1]:
                findings.broken.append(f"{name}: {sentences}")
            continue
        findings.graphs += 1
        before, after = costs(found[one]), costs(found[other])
        for output in before.keys() & after.keys():
            findings.values += 1
            if before[output] != after[output]:
                findings.broken.append(f"{name}: {output}: {before[output]} becomes {after[output]}")


def folding_keeps_costs(graphs, scratch, valid=None):
    """At a binding of each graph, executed shape arithmetic in the place of what computes it."""
    findings, answers, cases = Findings(), inferred(graphs, scratch), []
    bound_to = {}
    for path, model, binding in bound_once(graphs, answers, valid):
        file = scratch / f"{len(bound_to)}_bound.onnx"
        onnx.save(model, file)
        bound_to[file] = path
    shapes = inferred(list(bound_to), scratch)
    for file, path in bound_to.items():
        if isinstance(shapes[file], str):
            findings.refused += 1
            continue
        model = load(file)
        made, read = shape_arithmetic(model, shapes[file])
        values = execute(model, made, read)
        findings.refused += bool(read) and not values
        if values:
            cases.append((path.name, load(file), folded(model, values)))
    compare_costs(findings, cases, scratch)
    return findings


def bound_once(graphs, answers, valid=None):
    for path in graphs:
        if isinstance(answers[path], str):
            continue
        model = load(path)
        expressions = input_expressions(model, answers[path])
        several = bindings(symbols_of(expressions.values()), (valid or {}).get(path)) or [{}]
        binding = several[-1] if (valid or {}).get(path) else several[1 % len(several)]
        yield path, bound(model, expressions, binding), binding


def unfolding_keeps_costs(graphs, scratch, valid=None):
    """Small initialisers are computed by the graph instead."""
    findings, cases = Findings(), []
    for path in graphs:
        model, count = unfolded(load(path))
        if count:
            cases.append((path.name, load(path), model))
    compare_costs(findings, cases, scratch)
    return findings
