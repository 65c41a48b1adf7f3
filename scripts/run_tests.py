#!/usr/bin/env python3
"""Runs test suites and adds them up:  run_tests.py [--long] [--may-be-empty] FOLDER:SUITE[,SUITE...] ...

FOLDER is a build folder; SUITE is rooms (check_rooms.py), unit (GoogleTest), lit, e2e (pytest on test/e2e) or shared (pytest on test/shared).
The last line printed is `N passed, N failed`; the exit status is 1 if anything failed. A skipped test is named with its
reason. With CI=true in the environment a skip counts as a failure, unless test/allowed-skips.txt has a line that is
part of its name or reason: a test that quietly stopped running must not look like one that passes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JOBS = os.cpu_count() or 1


@dataclass
class Tally:
    passed: int = 0
    failed: list = field(default_factory=list)  # (name, why)
    skipped: list = field(default_factory=list)  # (name, why)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def run_unit(build, long, scratch):
    program = build / "bin" / "xfa-unit-tests"
    if not program.exists():
        return Tally(failed=[(f"{build.name}/xfa-unit-tests", "is not built")])

    def shard(index):
        report = Path(scratch) / f"{build.name}-unit-{index}.xml"
        command = [program, f"--gtest_output=xml:{report}", "--gtest_brief=1"]
        if not long:
            command.append("--gtest_filter=-Long*:*/Long*")
        environment = dict(os.environ, GTEST_TOTAL_SHARDS=str(JOBS), GTEST_SHARD_INDEX=str(index),
                           ASAN_OPTIONS="allow_user_poisoning=0")  # for the reason in test/lit.cfg.py
        done = subprocess.run(command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done, report

    tally = Tally()
    with ThreadPoolExecutor(JOBS) as pool:
        for done, report in pool.map(shard, range(JOBS)):
            if done.returncode != 0:
                sys.stdout.write(done.stdout)
            if not report.exists():
                # The program ended in the middle: what had passed before is not known, the rest did not run.
                why = f"ended with status {done.returncode} and no report"
                tally.failed.append((f"{build.name}/xfa-unit-tests", why))
                continue
            failures = len(tally.failed)
            for case in ET.parse(report).getroot().iter("testcase"):
                name = f"{build.name}/{case.get('classname')}.{case.get('name')}"
                failure, skip = case.find("failure"), case.find("skipped")
                if failure is not None:
                    tally.failed.append((name, (failure.get("message") or "").split("\n")[0]))
                elif skip is not None:
                    tally.skipped.append((name, " ".join((skip.get("message") or "").split()) or "no reason given"))
                elif case.get("status") == "run":
                    tally.passed += 1
            if done.returncode != 0 and len(tally.failed) == failures:
                tally.failed.append((f"{build.name}/xfa-unit-tests", f"ended with status {done.returncode}"))
    return tally


def run_lit(build, long, scratch):
    report = Path(scratch) / f"{build.name}-lit.json"
    lit = Path(sys.executable).with_name("lit")
    command = [lit, "-qv", "--allow-empty-runs", "--order=lexical", "-j", str(JOBS), "--timeout=120", "-o", report]
    if long:
        command.append("-Dlong=1")
    done = subprocess.run([*command, build / "test"], cwd=ROOT, stdin=subprocess.DEVNULL)
    tally = Tally()
    if not report.exists():
        # lit found no test, or could not start.
        if any(ROOT.glob("test/*/*.test")) or any(ROOT.glob("test/*/*.onnxtxt")):
            tally.failed.append((f"{build.name}/lit", f"ended with status {done.returncode} and no report"))
        return tally
    for test in json.loads(report.read_text())["tests"]:
        name, code = test["name"].replace(" :: ", "/"), test["code"]
        if code in ("PASS", "XFAIL", "FLAKYPASS"):
            tally.passed += 1
        elif code in ("UNSUPPORTED", "SKIPPED", "EXCLUDED"):
            why = " ".join(test["output"].split()) or code
            if not long and why.endswith("unavailable features: long"):
                continue  # left to `make test-long`, not skipped
            tally.skipped.append((name, why))
        else:
            tally.failed.append((name, code))
    return tally


def run_pytest(folder, build, long, scratch):
    """Every other test in each of two processes, or as many as there are cores (test/conftest.py)."""
    if not any(folder.glob("**/test_*.py")) and not any(folder.glob("**/*_test.py")):
        return Tally()

    def shard(index):
        report = Path(scratch) / f"{build.name}-{folder.name}-{index}.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-ra", "--no-header", f"--junitxml={report}", folder]
        command += [] if long else ["-m", "not long"]
        environment = dict(os.environ, XFA_BUILD_DIR=str(build), PYTHONDONTWRITEBYTECODE="1",
                           XFA_TEST_SHARD=f"{index}/{JOBS}")
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, env=environment, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done, report

    tally = Tally()
    with ThreadPoolExecutor(JOBS) as pool:
        for done, report in pool.map(shard, range(JOBS)):
            sys.stdout.write(done.stdout)
            failures = len(tally.failed)
            if report.exists():
                for case in ET.parse(report).getroot().iter("testcase"):
                    name = f"{case.get('classname')}.{case.get('name')}"
                    failure = next((child for child in case if child.tag in ("failure", "error")), None)
                    skip = case.find("skipped")
                    if failure is not None:
                        tally.failed.append((name, (failure.get("message") or "").split("\n")[0]))
                    elif skip is not None and skip.get("type") != "pytest.xfail":
                        tally.skipped.append((name, skip.get("message") or "no reason given"))
                    else:
                        tally.passed += 1
            if done.returncode not in (0, 5) and len(tally.failed) == failures:  # 5: no test is left
                tally.failed.append((str(folder.relative_to(ROOT)), f"pytest ended with status {done.returncode}"))
    return tally


def run_rooms(build, long, scratch):
    done = subprocess.run([sys.executable, ROOT / "scripts" / "check_rooms.py"], stdin=subprocess.DEVNULL)
    return Tally(passed=1) if done.returncode == 0 else Tally(failed=[("rooms", "an #include against the order of the rooms")])


SUITES = {
    "rooms": run_rooms,
    "unit": run_unit,
    "lit": run_lit,
    "e2e": lambda build, long, scratch: run_pytest(ROOT / "test" / "e2e", build, long, scratch),
    "shared": lambda build, long, scratch: run_pytest(ROOT / "test" / "shared", build, long, scratch),
}


def allowed_skips():
    path = ROOT / "test" / "allowed-skips.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="the slow tests too")
    parser.add_argument("--may-be-empty", action="store_true", help="no test at all is no failure")
    parser.add_argument("suites", nargs="+", metavar="FOLDER:SUITE[,SUITE...]")
    options = parser.parse_args()
    in_ci = os.environ.get("CI", "").lower() in ("1", "true", "yes")

    total = Tally()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for argument in options.suites:
            folder, _, names = argument.partition(":")
            for name in names.split(","):
                print(f"== {folder} {name}", flush=True)
                start = time.monotonic()
                tally = SUITES[name](ROOT / folder, options.long, scratch)
                rows.append((f"{folder} {name}", tally, time.monotonic() - start))
                total.add(tally)

    print("\n== summary")
    for label, tally, seconds in rows:
        counts = f"{tally.passed:6} passed {len(tally.failed):4} failed {len(tally.skipped):4} skipped"
        print(f"{label:24}{counts} {seconds:7.1f} s")
    allowed = allowed_skips()
    for name, why in total.skipped:
        tolerated = not in_ci or any(text in name or text in why for text in allowed)
        print(f"skipped{'' if tolerated else ' (a failure in CI)'}: {name}: {why}")
        if not tolerated:
            total.failed.append((name, "skipped: " + why))
    if not options.may_be_empty and not total.passed and not total.failed:
        total.failed.append(("all", "no test was found"))
    for name, why in total.failed:
        print(f"failed: {name}: {why}")
    print(f"{total.passed} passed, {len(total.failed)} failed", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
