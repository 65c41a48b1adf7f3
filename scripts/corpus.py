#!/usr/bin/env python3
"""Writes docs/CORPUS.md: what the tool finds in every graph of ../shared/corpus.  corpus.py [--check] [BUILD]

--check: writes nothing, fails if the page is not what it would write.
"""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
PAGE = ROOT / "docs" / "CORPUS.md"
GPU = "t4"
CLASSES = [(0.1, "< 0.1 s"), (1, "< 1 s"), (10, "< 10 s")]  # of seconds: the page does not change from run to run


def families():
    """{path in the corpus: what the index calls it}"""
    with (CORPUS / "INDEX.tsv").open() as file:
        return {f"{row['repo'].replace('/', '+')}/{row['path']}": row["family"] for row in csv.DictReader(file, delimiter="\t")}


def analyse(build, graph):
    """(report or None, complaint, class of the time it took)"""
    start = time.monotonic()
    done = subprocess.run([build / "bin" / "xf-analyze", graph, "--format=json", f"--gpu={GPU}"], capture_output=True,
                          text=True)
    seconds = time.monotonic() - start
    took = next((name for most, name in CLASSES if seconds < most), "more")
    if done.returncode != 0:
        return None, done.stderr.strip().removeprefix("error: ").replace(f"{graph}: ", ""), took
    return json.loads(done.stdout), "", took


def short(value):
    """1234567 → 1.23 M"""
    for size, letter in ((10**15, "P"), (10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return str(value)


def seconds(value):
    for size, unit in ((1, "s"), (1e-3, "ms")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def figures(report):
    """Where, FLOPs and time of the graph ledger at the last of the default points with B = 1."""
    points = [point for point in report["points"] if point["ledger"] == "graph"]
    points = [point for point in points if point["at"].get("B", 1) == 1] or points
    if not points:
        return "–", "–", "–"
    point = points[-1]
    least = "" if report["ledgers"]["graph"]["exact"] else "≥ "
    where = " ".join(f"{name}={value}" for name, value in point["at"].items()) or "fixed"
    taken = point["time_s"]
    return where, least + short(point["flops"]), "–" if taken is None else least + seconds(taken)


def reasons(unknown):
    """Each reason once, with how many nodes have it."""
    counts = {}
    for node in unknown:
        why = "it runs inside such a node" if node["why"].startswith("it runs inside") else node["why"]
        counts[why] = counts.get(why, 0) + 1
    return "; ".join(f"{count} × {why}" for why, count in counts.items())


def row(name, family, report, took):
    found, coverage = report["structure"], report["coverage"]
    layers = found["layers"] if found["kind"] != "none" else "–"
    heads = found["heads"] if found["heads"] is not None else "–"
    if found["kv_heads"] not in (None, found["heads"]):
        heads = f"{heads} / {found['kv_heads']}"
    where, flops, taken = figures(report)
    cells = [name, family, found["kind"], layers, heads, coverage["nodes"],
             f"{coverage['costed']} / {coverage['shaped']}", where, flops, taken, took]
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def page(build):
    known = families()
    rows, refused, unknowns = [], [], []
    for graph in sorted(CORPUS.rglob("*.onnx")):
        path = str(graph.relative_to(CORPUS))
        report, complaint, took = analyse(build, graph)
        name = f"{graph.parent.name}/{graph.name}"
        if report is None:
            refused.append(f"- `{name}`: {complaint}")
            continue
        rows.append(row(f"`{name}`", known.get(path, "–"), report, took))
        if report["coverage"]["unknown"]:
            unknowns.append(f"- `{name}`: {reasons(report['coverage']['unknown'])}")
    return "\n".join([
        "# Graphs that others exported",
        "",
        "Written by `scripts/corpus.py` (`make docs`) from the graphs of `../shared/corpus`, none of which was made for this "
        "project.",
        "",
        f"{len(rows)} analysed, {len(refused)} refused. Coverage is nodes with a known cost / with known shapes. FLOPs and time "
        f"are the graph ledger's, the time the roofline of a {GPU.upper()}; ≥ marks a lower bound. The last column is how long "
        "the analysis took.",
        "",
        "| graph | what it is | found | layers | heads (/ KV) | nodes | costed / shaped | at | FLOPs | time | analysed in |",
        "|---|---|---|---|---|---|---|---|---|---|---|", *rows, "",
        "## Refused", "", *refused, "",
        "`testdata/invalid_dim_param_value_repetition.onnx` is invalid only by what its users feed it: one name for both "
        "dimensions of both inputs, run with sizes that differ. The file itself is sound (ONNX's checker accepts it, ONNX "
        "Runtime runs it on square inputs), and refusing it would refuse every graph with an N × N mask; so it is analysed, "
        "for square inputs.", "",
        "## What is not known, and why", "", *unknowns, ""])


def main():
    arguments = [word for word in sys.argv[1:] if word != "--check"]
    build = Path(arguments[0] if arguments else ROOT / "build").resolve()
    text = page(build)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text)
        return 0

    def steady(page):  # without how long it took
        return [line.rsplit("|", 2)[0] if line.startswith("|") else line for line in page.splitlines()]

    if steady(PAGE.read_text()) != steady(text):
        print("docs/CORPUS.md is not what scripts/corpus.py writes; run it")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
