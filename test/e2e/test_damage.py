"""Whatever the bytes: xf-analyze reports (exit 0) or says in one line what is wrong (exit 1, nothing on stdout). Never a
signal, never more than five seconds, never more memory than a small model needs."""

import json
import multiprocessing
import resource
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import contract
from damage import damaged

COPIES = 2000
WORKERS = 2
SECONDS = 5
ADDRESS_SPACE = 2 << 30


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def complaint(status, out, err):
    """What is wrong with an answer; none where it is as promised."""
    if status == 0:
        try:
            json.loads(out)
        except ValueError as error:
            return f"exit 0, but no JSON: {error}"
        return "exit 0 and an error" if err.startswith(b"error:") else None
    if status != 1:
        return f"status {status}"
    if out:
        return "exit 1, and something on stdout"
    if not err.startswith(b"error: ") or err.count(b"\n") != 1 or not err.endswith(b"\n"):
        return "exit 1, and not one line `error: …`"
    return None


def try_copies(seeds):
    """(how many were accepted, [(seed, what was done, complaint, stderr)]) for these seeds."""
    accepted, findings = 0, []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "damaged.onnx"
        for seed in seeds:
            data, what = damaged(seed, contract.MODELS)
            path.write_bytes(data)
            try:
                run = subprocess.run([contract.BIN / "xf-analyze", path, "--format=json"], stdin=subprocess.DEVNULL,
                                     capture_output=True, timeout=SECONDS)
                wrong, err = complaint(run.returncode, run.stdout, run.stderr), run.stderr
                accepted += run.returncode == 0
            except subprocess.TimeoutExpired:
                wrong, err = f"more than {SECONDS} s", b""
            if wrong:
                findings.append((seed, what, wrong, err[-300:].decode(errors="replace")))
    return accepted, findings


def test_damaged_copies():
    context = multiprocessing.get_context("spawn")
    chunk = COPIES // (WORKERS * 10)
    seeds = [range(start, min(start + chunk, COPIES)) for start in range(0, COPIES, chunk)]
    with ProcessPoolExecutor(WORKERS, context, limit_memory) as pool:
        results = list(pool.map(try_copies, seeds))
    accepted = sum(count for count, _ in results)
    findings = [finding for _, part in results for finding in part]
    for seed, what, wrong, err in findings[:40]:
        print(f"seed {seed} ({what}): {wrong}\n    {err!r}")
    if findings:  # left where a debugger finds them
        folder = contract.BIN.parent / "damaged"
        folder.mkdir(exist_ok=True)
        for seed, *_ in findings:
            (folder / f"{seed}.onnx").write_bytes(damaged(seed, contract.MODELS)[0])
    assert not findings, f"{len(findings)} of {COPIES}; copies lie in {contract.BIN.parent.name}/damaged"
    # Both kinds must occur, or the damage says nothing.
    assert 0.05 * COPIES < accepted < 0.95 * COPIES, f"{accepted} of {COPIES} accepted"
