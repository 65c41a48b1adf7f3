#!/usr/bin/env python3
"""Many models in one process:  bench_batch.py [FOLDER OF PROGRAMS] [MODELS]

A list of MODELS paths (2,000), the checked-in models over and over: `xf-analyze --batch` and `xf-opt --shapes-json` on one
and two threads, against one process a model (of a hundred, times as many). Three runs each; the least and the median.
"""

import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
ALONE = 100  # models that get a process of their own


def seconds(*commands):
    """On the clock, and on processors."""
    def spent():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime
    start, before = time.perf_counter(), spent()
    for command in commands:
        subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start, spent() - before


def main():
    programs = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "bin")
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    models = list(itertools.islice(itertools.cycle(sorted((ROOT / "models").rglob("*.onnx"))), count))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        names.write("".join(f"{model}\n" for model in models))
        names.flush()
        print(f"\n{count} models, {len(set(models))} of them different, on {os.cpu_count()} processors\n")
        print(f"{'':<48}{'least s':>10}{'median s':>10}{'models/s':>12}{'CPU s':>10}")
        for title, scale, commands in [
            *((f"{program} {option} -j {jobs}", 1, [[programs / program, f"{option}={names.name}", "-j", jobs]])
              for program, option in (("xf-analyze", "--batch"), ("xf-opt", "--shapes-json")) for jobs in (1, 2)),
            ("xf-analyze, a process a model", count / ALONE,
             [[programs / "xf-analyze", model, "--format=json"] for model in models[:ALONE]]),
        ]:
            runs, busy = zip(*(seconds(*commands) for _ in range(ROUNDS)))
            least, middle, work = (scale * value for value in (min(runs), statistics.median(runs), min(busy)))
            print(f"{title:<48}{least:>10.2f}{middle:>10.2f}{count / middle:>12.0f}{work:>10.2f}")


if __name__ == "__main__":
    main()
