#!/usr/bin/env python3
"""Which passes fire on which models, and why not:  fusion_table.py [--check] BUILD [FOLDER ...] [-o FILE]

Runs xf-opt with each pass on each .onnx file of the folders (models/ unless given) and writes a table. A dash: the model has nothing that
the pass is for. --check compares with FILE instead, and fails where they differ.
"""

import argparse
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import generated

ROOT = Path(__file__).resolve().parent.parent
PASSES = ["fuse-scale", "fuse-mask-softmax", "fuse-attention", "fuse-epilogue", "fuse-norm", "fuse-rotary", "pack-qkv", "split-qkv", "elementwise", "O1", "O2"]
ATTENTION = ["fuse-scale", "fuse-mask-softmax", "fuse-attention"]
"""Each attention that they leave alone has its reason in the table, whether or not they fired elsewhere."""
FIRED = re.compile(r"^note: \S+: fired (\d+) times?$")
REFUSED = re.compile(r"^refused: \S+: ('.*'): ([^']*(?:'[^']*'[^']*)*)$")

HEAD = """# Which passes fire where

Written by `scripts/fusion_table.py build -o docs/FUSIONS.md`; a test compares it with what the passes do. A number: how often the pass fired,
each pass on the model as it is written; `O1` and `O2` are pipelines, with the sum of what their passes did. `0`: it refused, and says why
below (so do the passes for attention where they left some alone). `–`: there is nothing that it is for.
"""


def outcome(program, model, name):
    """How often it fired, None where it found nothing; and its reasons, each with how often."""
    done = subprocess.run([program, model, f"--passes={name}", "--explain", "-o", "/dev/null"], capture_output=True, text=True)
    if done.returncode != 0:
        return None, {done.stderr.strip().splitlines()[0].split(": ", 2)[-1]: 1}
    times, refused, why = 0, 0, {}
    for line in done.stderr.splitlines():
        if match := FIRED.match(line):
            times += int(match[1])
        elif match := REFUSED.match(line):
            refused += 1
            reason = re.sub(r"'[^']*'", "'…'", match[2])
            why[reason] = why.get(reason, 0) + 1
    return (times if times or refused else None), why


def table(program, folders):
    models = sorted((path for folder in folders for path in folder.glob("**/*.onnx")), key=lambda path: (path.stem, path))
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda model: [outcome(program, model, name) for name in PASSES], models))
    lines = [HEAD, "| model | " + " | ".join(PASSES) + " |", "|---|" + "---:|" * len(PASSES)]
    reasons = []
    for model, row in zip(models, rows):
        lines.append(f"| {model.stem} | " + " | ".join("–" if times is None else str(times) for times, _ in row) + " |")
        for name, (times, why) in zip(PASSES, row):
            if why and (times == 0 and name not in ("O1", "O2") or name in ATTENTION):
                most = sorted(why.items(), key=lambda item: (-item[1], item[0]))
                reasons.append(f"| {model.stem} | {name} | " + "; ".join(f"{reason} ({count})" for reason, count in most) + " |")
    return "\n".join([*lines, "\n## Why a pass did not fire\n", "| model | pass | reason (how often) |", "|---|---|---|", *reasons, ""])


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("folders", type=Path, nargs="*")
    generated.add_options(parser)
    arguments = parser.parse_args()
    text = table(arguments.build / "bin" / "xf-opt", arguments.folders or [ROOT / "models"])
    generated.deliver(text, arguments, "what the passes do; write it anew with scripts/fusion_table.py")


if __name__ == "__main__":
    main()
