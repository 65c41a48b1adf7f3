#!/usr/bin/env python3
"""Writes docs/OPS.md: every operator with its shape rule, its cost, its tests.  ops.py [--check]

Read from the sources: the table of operators (IR/Ops.def), the comments of the functions that it names (lib/Ops), the
unit tests that make a node of the operator (test/unit/Ops) and the laws that run it (test/e2e/test_bodies.py).
--check: writes nothing, fails if the page is not what it would write.
"""

import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "OPS.md"
OP = re.compile(r'^XFA_OP\((\w+),\s*"([^"]*)",\s*"([^"]*)",\s*(.+?),\s*(\w+),\s*(\w+)\)\s*$')
SECTION = re.compile(r"^//===- (\w+\.cpp): (.*?)\s*-*===//$")
FUNCTION = re.compile(r"^void (infer\w+|cost\w+)\((?:Infer|Cost)Context &\w*\)(;| \{)")
TEST = re.compile(r"^TEST\((\w+), (\w+)\)")
# What a cost function adds, or whom it asks to.
FORMULA = re.compile(r"\b(?:Ctx\.(addMatrix|addVector|reads|writes|unknown)|(cost\w+|add\w+|count\w+|charge\w+))"
                     r"\((?:[^;{}]|\{[^;{}]*\})*?\);")
MADE = re.compile(r'(?:OneNode \w+(?:\[\])?|, \w+)\("(\w+)"|OneNode\("(\w+)"')


@dataclass
class Op:
    domain: str
    name: str
    traits: str
    infer: str
    cost: str


@dataclass
class Section:
    file: str
    title: str
    ops: list = field(default_factory=list)


def sections():
    found = []
    for line in (ROOT / "include" / "xfa" / "IR" / "Ops.def").read_text().splitlines():
        if match := SECTION.match(line):
            found.append(Section(*match.groups()))
        elif match := OP.match(line):
            kind, domain, name, traits, infer, cost = match.groups()
            found[-1].ops.append(Op(domain, name, traits, infer, cost))
    return found


def functions():
    """{function: (what stands above it, its body)}"""
    found = {}
    for path in sorted((ROOT / "lib" / "Ops").glob("*.cpp")):
        above, name, body = [], None, []
        for line in path.read_text().splitlines():
            if name:
                body.append(line)
                if line == "}" or line.endswith("{}"):
                    found[name] = (found[name][0], "\n".join(body))
                    name = None
            elif line.startswith("///"):
                above.append(line[3:].strip())
                continue
            elif (match := FUNCTION.match(line)) and match[2] == " {":
                whole = line.endswith("}")  # on one line
                found[match[1]] = (" ".join(above), line[match.end():] if whole else "")
                name, body = (None if whole else match[1]), []
            above = []
    return found


def formulas(body):
    """What the body of a cost function adds, as it is written there."""
    written = []
    for match in FORMULA.finditer(body):
        text = " ".join(match[0].rstrip(";").split()).replace("Ctx.", "")
        if text not in written:
            written.append(text)
    return written


def tests():
    """{(domain, operator): names of the unit tests that make a node of it}, {operators that the laws of bodies run}"""
    by_op = defaultdict(dict)
    for path in sorted((ROOT / "test" / "unit" / "Ops").glob("*.cpp")):
        test = None
        for line in path.read_text().splitlines():
            if match := TEST.match(line):
                test = f"{match[1]}.{match[2]}"
            elif test:
                for match in MADE.finditer(line):
                    domain = "com.microsoft" if re.match(r"[^)]*\bMs\b", line[match.end():]) else ""
                    by_op[domain, match[1] or match[2]].setdefault(test)
    bodies = (ROOT / "test" / "e2e" / "test_bodies.py").read_text()
    return by_op, set(re.findall(r'"([A-Z]\w+)"', bodies))


def cell(text):
    return text.replace("|", "\\|")


def meaning(function, known):
    """The rule in words, what it adds, and the function that has it."""
    words, body = known.get(function, ("", ""))
    parts = [cell(words)] if words else []
    if function.startswith("cost"):
        parts += [f"`{cell(text)}`" for text in formulas(body)]
    return "<br>".join([*parts, f"*{function}*"])


def page():
    known, (by_op, laws) = functions(), tests()
    every = sections()
    count = sum(len(section.ops) for section in every)
    lines = [
        "# Every operator: its shape, its cost, its tests",
        "",
        "Written by `scripts/ops.py` from the table of operators, the comments of their functions and the tests; "
        "`make test` fails where it is not up to date.",
        "",
        f"{count} operators. C1 to C20 are the counting rules ([costs.md](costs.md)); read and written is each distinct "
        "input and each used output once (C9) where a cost does not say otherwise; what has no FLOPs has none because "
        "nothing is computed (C6) or because it is known before the graph runs (C7). An operator that is not here: "
        "[custom-ops.md](custom-ops.md). Tests are those of `xfa-unit-tests` "
        "(the first three, and how many more); *body*: shape, values and cost are also held against the function body "
        "that ONNX gives for the operator. Shapes of all of them are held against ONNX's node tests and shape tests where "
        "`../shared` is there (`test/shared/test_shared_suites.py`).",
        "",
    ]
    for section in every:
        lines += [f"## {section.title[0].upper()}{section.title[1:]} (`lib/Ops/{section.file}`)", "",
                  "| operator | shape | cost | tests |", "|---|---|---|---|"]
        for op in section.ops:
            name = op.name if not op.domain else f"{op.name}<br>*{op.domain}*"
            held = list(by_op.get((op.domain, op.name), {}))
            shown = ", ".join(held[:3]) + (f", {len(held) - 3} more" if len(held) > 3 else "")
            if op.name in laws and not op.domain:
                shown += ("; " if shown else "") + "*body*"
            lines.append(f"| {name} | {meaning(op.infer, known)} | {meaning(op.cost, known)} | {shown} |")
        lines.append("")
    return "\n".join(lines)


def main():
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != text:
            print("docs/OPS.md is not what scripts/ops.py writes; run it")
            return 1
        return 0
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
