#!/usr/bin/env python3
"""Holds every question of the seed against what the tool prints:  seed.py [BUILD]  (make seed)

Reads scripts/seed.toml, runs the commands with BUILD/bin (default: build), writes docs/SEED.md. The exit status is 1 if a
row is neither equal nor a slip of the seed whose arithmetic comes out.

A row has `ask`, `what`, the `model` and `options` of the command, and `tool`: where in its JSON the answer stands, a
path such as ledgers.textbook.roles[role=qk].flops, or arithmetic over paths in braces. Then one of
    formula   the seed's, in Python; equal: at random points, exactly, as rational numbers. n in it is the element size:
              the command runs once more with --dtype=fp32
    figure    the seed's number; equal: rounded to as many digits as the seed gives, or, with `cut`, cut
    word      equal: the same
    reckoned  arithmetic; the seed asks, and gives no figure
    first     the least N at which the tool's formula is no longer negative, at B = 1
A row in which the seed errs also has `slip`, which says how, and what shows it:
    rules     the formula or the word that the seed's own rules give, which the tool's must equal; or
    working   arithmetic that gives the seed's figure again, as the slip says; beside reckoned, what its slip would give; or
    properly  the seed's own arithmetic, which does not give its figure
`where` gives letters of the formula a value. A row with `recall` runs the models of models/recall. `model`, `options`,
`tool` and `where` may stand in the section, for all of its rows.
"""

import json
import random
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "scripts" / "seed.toml"
PAGE = ROOT / "docs" / "SEED.md"
POINTS = 40
ELEMENT_SIZES = {"fp16": 2, "fp32": 4}


class Wrong(Exception):
    """A row that is not as it should be."""


# ---------------------------------------------------------------- the tool's answers


@cache
def report(build, model, options):
    """What xf-analyze says of a model, as JSON."""
    command = [build / "bin" / "xf-analyze", ROOT / "models" / model, "--format=json", *options.split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise Wrong(done.stderr.strip())
    return json.loads(done.stdout)


def find(where, path):
    """The value at a path: names after dots; [2] is the third of a list, [name=value,…] the one that has
    these, also within `at`."""
    for name, choice in re.findall(r"([^.\[\]]+)(?:\[([^\]]*)\])?", path):
        where = where[name]
        if choice.isdigit():
            where = where[int(choice)]
        elif choice:
            wanted = dict(pair.split("=") for pair in choice.split(","))
            fits = [each for each in where
                    if all(str({**each, **each.get("at", {})}.get(key)) == value for key, value in wanted.items())]
            if len(fits) != 1:
                raise Wrong(f"{len(fits)} of {name} have {choice}")
            where = fits[0]
    return where


def answer(build, row, dtype=None):
    """What the row's path, or its arithmetic over paths, gives: a number, a word, or a formula."""
    options = row.get("options", "") + (f" --dtype={dtype}" if dtype else "")
    found = report(build, row["model"], options)
    try:
        if "{" not in row["tool"]:
            return find(found, row["tool"])
        return re.sub(r"\{([^}]*)\}", lambda path: f"({find(found, path[1])})", row["tool"])
    except (KeyError, TypeError) as error:
        raise Wrong(f"nothing at {row['tool']} ({error!r})") from error


# ---------------------------------------------------------------- formulas


def points():
    """Random sizes for a formula's letters. D is a multiple of H, and nothing is a multiple of anything else but by chance."""
    pick = random.Random(2)
    for _ in range(POINTS):
        size = {name: Fraction(pick.randrange(2, 10**4)) for name in "BNHMK"}
        yield {**size, "D": size["H"] * pick.randrange(2, 10**3), "P": size["N"] - 1, "T": size["N"]}


def value(formula, at):
    return eval(str(formula), {"__builtins__": {}, "max": max, "min": min}, dict(at))


def same(left, right, **more):
    """Equal at every point: polynomials of a degree far below the number and spread of the points are then the same."""
    return all(value(left, {**at, **more}) == value(right, {**at, **more}) for at in points())


def first_not_negative(formula):
    low, high = 0, 1
    def there(n):
        return value(formula, {"B": 1, "N": n}) >= 0

    while not there(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if there(middle) else (middle, high)
    return high


# ---------------------------------------------------------------- figures


def digits_of(figure):
    """How many significant digits a figure is given with."""
    return len(re.sub(r"[eE].*|\D", "", figure).lstrip("0"))


def to_digits(number, digits, how):
    """A positive rational in this many significant digits, as a rational: how is round or cut."""
    number, unit = Fraction(number), Fraction(1)
    while number >= 10**digits * unit:
        unit *= 10
    while number < 10 ** (digits - 1) * unit:
        unit /= 10
    whole = number / unit
    return (int(whole + Fraction(1, 2)) if how == "round" else int(whole)) * unit


def agrees(number, figure):
    """"round" or "cut", where the figure is that number so shortened; else None."""
    number, wanted = Fraction(number), Fraction(figure)
    if number == wanted:
        return "exact"
    return next((how for how in ("round", "cut") if to_digits(number, digits_of(figure), how) == wanted), None)


# ---------------------------------------------------------------- rows


def judge_formula(build, row):
    """(what the tool prints, verdict)"""
    wanted, where = row.get("rules", row["formula"]), row.get("where", {})
    printed = answer(build, row)
    sizes = ELEMENT_SIZES if re.search(r"\bn\b", wanted) else {None: 2}
    for dtype, n in sizes.items():
        got = printed if dtype is None else answer(build, row, dtype)
        if not same(got, wanted, n=n, **where):
            raise Wrong(f"{got} is not {wanted}" + (f" with n = {n}" if dtype else ""))
    if "rules" in row:
        if same(row["formula"], row["rules"], n=2, **where):
            raise Wrong("the seed is said to err, and does not")
        return printed, "slip"
    return printed, "equal" + (" (n = 2 and 4)" if len(sizes) > 1 else "")


def reckon(arithmetic):
    """The rational that arithmetic over decimal figures gives."""
    exact = re.sub(r"[\d.]+(?:e[+-]?\d+)?", lambda figure: f"Fraction('{figure[0]}')", str(arithmetic))
    return eval(exact, {"__builtins__": {}, "Fraction": Fraction, "max": max})


def judge_figure(build, row):
    number = reckon(answer(build, row)) * Fraction(str(row.get("unit", 1)))
    how = agrees(number, row["figure"])
    if how == "cut" and not row.get("cut"):
        how = None
    if "slip" in row:
        again = reckon(row.get("working", row.get("properly")))
        if how or bool(agrees(again, row["figure"])) != ("working" in row):
            raise Wrong(f"{float(number):.9g} and, as the slip says, {float(again):.9g}: which is {row['figure']}?")
        return readable(number), "slip"
    if not how:
        raise Wrong(f"{float(number):.9g} is not {row['figure']}")
    digits = digits_of(row["figure"])
    return readable(number), {"exact": "equal", "round": f"equal to {digits} digits",
                              "cut": f"equal to {digits} digits, cut"}[how]


def judge_reckoned(build, row):
    number, wanted = reckon(answer(build, row)), reckon(row["reckoned"])
    if abs(number - wanted) > wanted / 10**12:
        raise Wrong(f"{float(number):.15g}, not {float(wanted):.15g}")
    if "slip" in row:
        if reckon(row["working"]) == wanted:
            raise Wrong("the slip changes nothing")
        return readable(number), "slip"
    return readable(number), "equal to what its figures give"


def judge_word(build, row):
    printed = answer(build, row)
    wanted = row.get("rules", row["word"])
    if str(printed) != wanted:
        raise Wrong(f"{printed}, not {wanted}")
    return printed, "slip" if "rules" in row else "equal"


def judge_first(build, row):
    found = first_not_negative(answer(build, row))
    again = reckon(row["working"])
    if int(again) != row["first"] or found == row["first"]:
        raise Wrong(f"{found} and, as the slip says, {again}: which is {row['first']}?")
    return readable(found), "slip"


def judge_recall(build, row):
    """The least number of layers with which a model of models/recall is right at least nine times in ten."""
    import numpy as np
    import onnxruntime

    sys.path.insert(0, str(ROOT / "models" / "recall"))
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        from sequences import sequences
    finally:
        sys.path.pop(0)
        sys.dont_write_bytecode = written
    tokens, answers = sequences(np.random.default_rng(2024), 2000, 24)
    solved = []
    for path in sorted((ROOT / "models" / "recall").glob("*.onnx")):
        layers = find(report(build, f"recall/{path.name}", ""), "structure.layers")
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        guesses = session.run(None, {"input_ids": tokens})[0][:, -1].argmax(-1)
        if (guesses == answers).mean() >= 0.9:
            solved.append(layers)
    if not solved or min(solved) != row["recall"]:
        raise Wrong(f"{solved} layers reach 90 %")
    return f"{min(solved)} layers reach 90 %, 1 does not", "equal"


JUDGES = {"formula": judge_formula, "figure": judge_figure, "word": judge_word, "first": judge_first,
          "recall": judge_recall, "reckoned": judge_reckoned}


def kind_of(row):
    return next(kind for kind in JUDGES if kind in row)


def judged(build, row):
    """(what the tool prints, verdict); a verdict that starts with DIFFERENT is a failure."""
    try:
        printed, verdict = JUDGES[kind_of(row)](build, row)
    except Wrong as wrong:
        return "", f"DIFFERENT: {wrong}"
    if verdict == "slip":
        verdict = f"the seed slips: {row['slip']}"
    elif "note" in row:
        verdict += f"; {row['note']}"
    return printed, verdict


# ---------------------------------------------------------------- the page


def readable(number):
    """An integer with its thousands, another number in eight digits."""
    number = Fraction(number)
    return f"{number.numerator:,}" if number.denominator == 1 else f"{float(number):.8g}"


def pretty(text):
    """A formula as people write it: 2*B*N**2 → 2·B·N²."""
    text = str(text).replace("**2", "²").replace("**3", "³").replace("*", "·")
    text = re.sub(r"(?<![\w.])\d{5,}(?![\w.])", lambda digits: f"{int(digits[0]):,}", text)
    return text.replace("|", "\\|")


def command(row):
    if kind_of(row) == "recall":
        return "`pytest test/e2e/test_recall.py`"
    options = row.get("options", "")
    return f"`{' '.join(['xf-analyze', 'models/' + row['model'], *options.split()])}`<br>`{row['tool']}`"


def said(row):
    kind = kind_of(row)
    if kind == "reckoned" and "said" not in row:
        return f"asked, not given; its formulas give {readable(reckon(row['working']))}" if "working" in row else "asked, not given"
    return row.get("said") or pretty(row[kind])


def sections():
    """The table: (section, its rows with what they inherit)."""
    for section in tomllib.loads(TABLE.read_text())["section"]:
        inherited = {key: section[key] for key in ("model", "options", "tool", "where") if key in section}
        yield section, [{**inherited, **row} for row in section["row"]]


def page(build):
    """(the text of docs/SEED.md, how the rows stand in one sentence, the rows that differ)"""
    table = list(sections())
    with ThreadPoolExecutor(2) as pool:
        results = iter(list(pool.map(lambda row: judged(build, row), [row for _, rows in table for row in rows])))
    lines, different, equal, slips = [], [], 0, 0
    for section, rows in table:
        lines += ["", f"## {section['title']}", *([section["text"]] if "text" in section else []), ""]
        lines += ["| question | what | the seed | the tool | | command, and where in its JSON |", "|---|---|---|---|---|---|"]
        for row in rows:
            printed, verdict = next(results)
            if verdict.startswith("DIFFERENT"):
                different.append(f"{row['ask']} {row['what']}: {verdict}")
            equal += verdict.startswith("equal")
            slips += verdict.startswith("the seed slips")
            lines.append(f"| {row['ask']} | {row['what']} | {said(row)} | {pretty(printed)} | {pretty(verdict)} | {command(row)} |")
    head = tomllib.loads(TABLE.read_text())["head"].strip()
    count = f"{equal + slips + len(different)} rows: {equal} equal, {slips} where the seed slips, {len(different)} different."
    return "\n".join(["# Every question of the seed", "", head, "", count, *lines]) + "\n", count, different


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()
    text, count, different = page(build)
    PAGE.write_text(text)
    for row in different:
        print(row, file=sys.stderr)
    print(f"{PAGE.relative_to(ROOT)}: {count}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
