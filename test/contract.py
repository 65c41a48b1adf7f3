"""What the end-to-end tests share: where the programs are, how to run them, how to read what they print."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(os.environ.get("XFA_BUILD_DIR", ROOT / "build")) / "bin"
MODELS = ROOT / "models"
SHARED = Path(os.environ.get("XFA_SHARED", ROOT.parent / "shared"))
SHAPELESS = ROOT / "test" / "shared" / "unknown_shapes.txt"

# ONNX Runtime's names of element types, as the truth files have them → onnx.TensorProto.DataType.
ELEMENT_TYPES = {"float": 1, "float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7,
                 "string": 8, "bool": 9, "float16": 10, "double": 11, "float64": 11, "uint32": 12, "uint64": 13,
                 "bfloat16": 16}


def analyze(model, *options):
    """xf-analyze MODEL --format=json OPTIONS, parsed; it must succeed."""
    done = subprocess.run([BIN / "xf-analyze", model, "--format=json", *options], capture_output=True, text=True)
    assert done.returncode == 0, f"xf-analyze {Path(model).name}: status {done.returncode}: {done.stderr[-500:]}"
    return json.loads(done.stdout)


def shapes(models, scratch):
    """xf-opt --shapes-json over all of them at once: {path: values or error}."""
    paths = scratch / "models.txt"
    paths.write_text("".join(f"{model}\n" for model in models))
    done = subprocess.run([BIN / "xf-opt", "--shapes-json", paths], capture_output=True, text=True)
    assert done.returncode == 0, f"xf-opt --shapes-json: status {done.returncode}: {done.stderr[-500:]}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["path"] for line in lines] == [str(model) for model in models], "a line per model, in their order"
    return {Path(line["path"]): line for line in lines}


class Unbound(Exception):
    """A symbol that the binding does not name."""


IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
FUNCTIONS = {"max": max, "min": min}


@cache
def compiled(expression):
    return compile(expression.strip(), expression, "eval"), frozenset(IDENTIFIER.findall(expression)) - set(FUNCTIONS)


def evaluate(expression, binding):
    """The integer that an expression of the JSON has at a binding. Integers are themselves."""
    if isinstance(expression, int):
        return expression
    code, symbols = compiled(expression)
    missing = symbols - binding.keys()
    if missing:
        raise Unbound(", ".join(sorted(missing)))
    value = eval(code, {"__builtins__": {}, **FUNCTIONS}, dict(binding))
    assert isinstance(value, int), f"{expression} is {value!r} at {binding}: not an integer"
    return value


# Truth files name a dim as the exporter did; the same in the tool's `meaning`.
MEANINGS = {"batch": "batch", "batch_size": "batch", "sequence": "sequence", "sequence_length": "sequence",
            "decoder_sequence_length": "sequence", "past_sequence_length": "past",
            "past_decoder_sequence_length": "past", "total_sequence_length": "total"}


def binding_of(symbols, dims):
    """The tool's symbols at the dims of a truth file: by the graph's name, else by what it means."""
    by_meaning = {MEANINGS[name]: value for name, value in dims.items() if name in MEANINGS}
    if "past" in by_meaning and "sequence" in by_meaning:
        by_meaning.setdefault("total", by_meaning["past"] + by_meaning["sequence"])
    binding = {}
    for symbol in symbols:
        if symbol.get("graph_name") in dims:
            binding[symbol["name"]] = dims[symbol["graph_name"]]
        elif symbol.get("graph_name") == "encoder_sequence_length" and "sequence" in by_meaning:
            binding[symbol["name"]] = by_meaning["sequence"]  # an encoder alone: its sequence is the sequence
        elif symbol["meaning"] in by_meaning:
            binding[symbol["name"]] = by_meaning[symbol["meaning"]]
    return binding


@dataclass
class Verdict:
    right: int = 0
    wrong: list = None  # sentences
    unknown: list = None  # names of tensors with a dim, a rank or a type that is not known


def judge_shapes(values, truth):
    """Holds inferred values against a shapes.json: every listed tensor, at each binding."""
    verdict = Verdict(wrong=[], unknown=[])
    for name, (kind, *shapes) in {**truth["inputs"], **truth["tensors"]}.items():
        value = values.get(name) or {}
        element, dims = value.get("elem"), value.get("shape")
        if element is not None and element != ELEMENT_TYPES[kind]:
            verdict.wrong.append(f"{name}: element type {element}, expected {ELEMENT_TYPES[kind]} ({kind})")
            continue
        known = element is not None and dims is not None and None not in dims
        wrong = False
        for shape, binding in zip(shapes, truth["bindings"]):
            if dims is None:
                break
            found = []
            for dim in dims:
                try:
                    found.append(None if dim is None else evaluate(dim, binding))
                except Unbound:
                    found.append(None)
                    known = False
            if len(found) != len(shape) or any(f not in (None, s) for f, s in zip(found, shape)):
                verdict.wrong.append(f"{name}: {dims} is {found} at {binding}, expected {shape}")
                wrong = True
                break
        if not wrong and known:
            verdict.right += 1
        elif not wrong:
            verdict.unknown.append(name)
    return verdict


def allowed_unknown(model):
    """Patterns of tensors of the model whose shape nobody can know (unknown_shapes.txt)."""
    patterns = []
    for line in SHAPELESS.read_text().splitlines():
        if line and not line.startswith("#"):
            name, pattern, reason = line.split("\t")
            assert reason, f"{SHAPELESS.name}: {line}: no reason"
            if name == model:
                patterns.append(pattern)
    return patterns


def check_shapes(model, answer, truth):
    from fnmatch import fnmatchcase

    assert "error" not in answer, answer["error"]
    verdict = judge_shapes(answer["values"], truth)
    assert not verdict.wrong, f"{len(verdict.wrong)} wrong: " + "; ".join(verdict.wrong[:10])
    patterns = allowed_unknown(model)
    surprising = [name for name in verdict.unknown if not any(fnmatchcase(name, pattern) for pattern in patterns)]
    assert not surprising, (f"{len(surprising)} unknown of {len(surprising) + verdict.right}, none of them in "
                            f"{SHAPELESS.name}: " + "; ".join(f"{n}: {answer['values'].get(n)}" for n in surprising[:10]))
    idle = [p for p in patterns if not any(fnmatchcase(name, p) for name in verdict.unknown)]
    assert not idle, f"{SHAPELESS.name} excuses what is known: {idle}"


def flops_points(model, truth):
    """(dims, total) pairs of a flops.json, counted with the attention that the graph was exported with."""
    kinds = ["as_written", "sdpa", "eager"] if "sdpa" in model else ["as_written", "eager", "sdpa"]
    points = next(truth[kind] for kind in kinds if isinstance(truth.get(kind), list))
    return [(point["dims"], point["total"]) for point in points]


def fixed_dims(path):
    """Symbols that a shapes.json binds to the same number each time: constants that the exporter left a name."""
    shapes = path.with_name(path.name.replace(".onnx", ".shapes.json"))
    bindings = json.loads(shapes.read_text())["bindings"] if shapes.exists() else [{}]
    return {name: size for name, size in bindings[0].items()
            if len(bindings) > 1 and all(binding.get(name) == size for binding in bindings)}


def check_flops(model, path, truth, differences):
    """Matrix FLOPs of the graph ledger against torch's count. differences: {model: (excess as an expression in the dims
    of the truth file, the arithmetic behind it)}."""
    report = analyze(path, "--ledger=graph")
    counted = report["ledgers"]["graph"]["matrix_flops"]
    excess, why = differences.get(model, (0, ""))
    for dims, total in flops_points(model, truth):
        found = evaluate(counted, binding_of(report["symbols"], fixed_dims(path) | dims))
        expected = total + evaluate(excess, dims)
        assert found == expected, f"at {dims}: {found}, torch {total}, {found - expected:+} from what is expected; {why}"
