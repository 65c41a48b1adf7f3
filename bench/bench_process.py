#!/usr/bin/env python3
"""Whole-process time and peak memory, peer and project in the same run:  bench_process.py [FOLDER OF PROGRAMS]

On models/gpt2-xl.onnx, whose weights are absent, and on the same graph with a gigabyte of weights in the file: what a
model weighs must not change what its topology costs. Runs alternate; times are the least and the median.
The peer is ONNX's own load and infer_shapes, from Python: as a process, and the two calls alone.
"""

import fcntl
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRAPH = ROOT / "models" / "gpt2-xl.onnx"
WEIGHTS = 1_000_000_000

PEER = """
import sys, time, onnx
start = time.perf_counter()
onnx.shape_inference.infer_shapes(onnx.load(sys.argv[1], load_external_data=False))
print(time.perf_counter() - start)
"""


def peak_of(child):
    """Peak resident bytes of a process so far; none once it has ended."""
    with open(f"/proc/{child}/status") as status:
        return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")), None)


def run(command):
    """(seconds, peak resident bytes, stdout) of a process; it must succeed.

    The peak is read while the process waits for us to read what it prints, at its end: the figure that wait gives has
    our own size as its floor (a child is a part of its parent until it has started its program).
    """
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_CLOSE, reader),
               (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    child = os.posix_spawn(command[0], [str(word) for word in command], os.environ, file_actions=actions)
    os.close(writer)
    with open(reader, "rb", buffering=0) as stdout:
        text = stdout.read(1)
        peak = peak_of(child)
        text += stdout.read()
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(map(str, command))}: status {os.waitstatus_to_exitcode(status)}")
    return seconds, peak or usage.ru_maxrss * 1024, text


class Series:
    """Repeated measurements of one thing."""

    def __init__(self, label):
        self.label, self.seconds, self.bytes = label, [], []

    def add(self, seconds, memory=None):
        self.seconds.append(seconds)
        self.bytes += [memory] if memory else []

    def line(self):
        low, middle = (f"{value * 1e3:.1f}" for value in (min(self.seconds), statistics.median(self.seconds)))
        memory = f"{max(self.bytes) / 2**20:.0f}" if self.bytes else ""
        return f"{self.label:<48}{low:>10}{middle:>10}{memory:>12}"


# In a process of its own: this one stays small.
FILL = """
import sys, onnx
model = onnx.load(sys.argv[1], load_external_data=False)
left = int(sys.argv[3])
for tensor in model.graph.initializer:
    if left <= 0:
        break
    size = next(int(entry.value) for entry in tensor.external_data if entry.key == "length")
    del tensor.external_data[:]
    tensor.data_location = tensor.DEFAULT
    tensor.raw_data = bytes(size)
    left -= size
with open(sys.argv[2], "wb") as out:
    out.write(model.SerializeToString())
"""


def with_weights(folder):
    """The graph with the first gigabyte of its weights in the file (zeros)."""
    path = folder / "gpt2-xl-1GB.onnx"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        subprocess.run([sys.executable, "-c", FILL, GRAPH, partial, str(WEIGHTS)], check=True)
        partial.rename(path)
    return path


def measure(title, graph, program, rounds, peer_rounds):
    ours = Series("xf-analyze, process")
    peer = Series("onnx.load and infer_shapes, process")
    calls = Series("onnx.load and infer_shapes, the calls alone")
    run([program, graph, "--format=json"])  # the file is in memory from here on, for both
    for round in range(rounds):
        ours.add(*run([program, graph, "--format=json"])[:2])
        if round < peer_rounds:
            seconds, memory, text = run([sys.executable, "-c", PEER, graph])
            peer.add(seconds, memory)
            calls.add(float(text))
    print(f"\n{title}\n{'':<48}{'min, ms':>10}{'median':>10}{'peak, MiB':>12}")
    for series in (ours, peer, calls):
        print(series.line())
    return statistics.median(ours.seconds)


def main():
    programs = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "bin"
    program = programs.resolve() / "xf-analyze"
    bare = measure(f"{GRAPH.name}, weights absent", GRAPH, program, rounds=20, peer_rounds=5)
    heavy_graph = with_weights(programs.resolve().parent / "bench-inputs")
    heavy = measure(f"{GRAPH.name}, {WEIGHTS / 1e9:.0f} GB of weights in the file", heavy_graph, program, rounds=20,
                    peer_rounds=2)
    print(f"\nWith the weights, xf-analyze takes {heavy / bare:.2f} times as long.")
    rewrite = Series("xf-opt --passes=kv-cache, process")
    for _ in range(20):
        rewrite.add(*run([programs.resolve() / "xf-opt", GRAPH, "--passes=kv-cache", "-o", os.devnull])[:2])
    print(f"\n{GRAPH.name}, a cache added and the graph written\n{rewrite.line()}")


if __name__ == "__main__":
    main()
