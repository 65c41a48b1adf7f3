"""Parts add up: roles, layers, nodes and the lines of the reconciliation, as polynomials. Two polynomials of small degree
that agree at several random points of large primes are the same one."""

import random

import contract

PRIMES = [1_000_003, 1_000_033, 2_097_593, 3_000_017, 5_000_011, 7_000_003, 9_999_991, 15_485_863]


def bindings(report, rounds=3):
    """Bindings of the report's symbols: large primes, and small numbers for what stands inside max, min and quotients."""
    pick = random.Random(report["model"]["path"])
    return [{symbol["name"]: pick.choice(choice) for symbol in report["symbols"]}
            for choice in [PRIMES] * rounds + [[1, 2, 3, 5, 8, 13, 1024, 4096]] * rounds]


def check_ledger(ledger, value):
    total = {figure: value(ledger[figure]) for figure in ("flops", "bytes", "weight_bytes")}
    for parts, figures in (("roles", ("flops", "bytes", "weight_bytes")), ("layers", ("flops", "bytes"))):
        for figure in figures:
            assert sum(value(part[figure]) for part in ledger[parts]) == total[figure], (parts, figure)
    assert value(ledger["bytes_read"]) + value(ledger["bytes_written"]) == total["bytes"]
    assert 0 <= value(ledger["matrix_flops"]) <= total["flops"]
    assert 0 <= total["weight_bytes"] <= value(ledger["bytes_read"])


def check_nodes(nodes, graph, value):
    """The nodes' figures, and by role, and by layer; what is not known counts as nothing."""
    def sum_of(some, *figures):
        return sum(value(node[figure]) for node in some for figure in figures if node[figure] is not None)

    assert sum_of(nodes, "flops") == value(graph["flops"])
    assert sum_of(nodes, "bytes_read") == value(graph["bytes_read"])
    assert sum_of(nodes, "bytes_written") == value(graph["bytes_written"])
    for row in graph["roles"]:
        some = [node for node in nodes if node["role"] == row["role"]]
        assert sum_of(some, "flops") == value(row["flops"]), row["role"]
        assert sum_of(some, "bytes_read", "bytes_written") == value(row["bytes"]), row["role"]
    for row in graph["layers"]:
        some = [node for node in nodes if node["layer"] == row["layer"]]
        assert sum_of(some, "flops") == value(row["flops"]), row["layer"]
        assert sum_of(some, "bytes_read", "bytes_written") == value(row["bytes"]), row["layer"]


def check_walk(walk, ledgers, value):
    for figure in ("flops", "bytes"):
        for end in ("textbook", "graph"):
            assert value(walk[end][figure]) == value(ledgers[end][figure]), (end, figure)
        moved = sum(value(line[figure]) for line in walk["lines"])
        assert value(walk["textbook"][figure]) + moved == value(walk["graph"][figure]), figure
    assert len({line["what"] for line in walk["lines"]}) == len(walk["lines"]), "a line for each reason"


def check_sums(path, *options):
    report = contract.analyze(path, "--view=nodes,roles,layers,reconcile", *options)
    ledgers = report["ledgers"]
    for binding in bindings(report):
        def value(expression):
            return contract.evaluate(expression, binding)

        for ledger in filter(None, ledgers.values()):
            check_ledger(ledger, value)
        check_nodes(report["nodes"], ledgers["graph"], value)
        if ledgers["textbook"]:
            check_walk(report["reconcile"], ledgers, value)
