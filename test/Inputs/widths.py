"""widths.py PROGRAM MODEL...: every line of every text view fits the terminal, however narrow; only a word that is
longer than the line may stand out, alone."""

import os
import subprocess
import sys
import unicodedata

VIEWS = "summary,shapes,nodes,ops,roles,layers,roofline,crossover,memory,causality,reconcile"


def columns(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


program, models = sys.argv[1], sys.argv[2:]
wide = 0
for model in models:
    for width in (60, 80, 120, 200):
        done = subprocess.run([program, model, "--gpu=t4,a100-80gb", "--ledger=both", "--view=" + VIEWS],
                              env={**os.environ, "COLUMNS": str(width)}, capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            if columns(line) > width and len(line.split()) > 1:
                wide += 1
                print(f"{width} < {columns(line)}: {model}: {line}")
            assert line == line.rstrip(), f"trailing blanks: {line!r}"
print(f"{len(models)} models, {wide} wide lines")
