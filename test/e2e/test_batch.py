"""--batch and --shapes-json: many models, in order, in parallel; a bad one does not stop the rest."""

import json
import subprocess

import contract
import pytest

GRAPHS = sorted(contract.MODELS.glob("*.onnx"))[:12]


@pytest.fixture
def listed(tmp_path):
    """Every third one is no model."""
    (tmp_path / "broken.onnx").write_bytes(b"\x08")
    paths = []
    for index, graph in enumerate(GRAPHS):
        paths.append(str(graph))
        if index % 3 == 0:
            paths.append(str(tmp_path / ("broken.onnx" if index % 2 else "missing.onnx")))
    path = tmp_path / "list"
    path.write_text("\n".join(paths) + "\n\n")
    return path, paths


def run(program, *arguments, **more):
    return subprocess.run([contract.BIN / program, *map(str, arguments)], capture_output=True, text=True, **more)


@pytest.mark.parametrize("program, option", [("xf-analyze", "--batch"), ("xf-opt", "--shapes-json")])
def test_a_line_a_model_in_order(program, option, listed):
    path, paths = listed
    outputs = []
    for jobs in ("1", "2", "7"):
        done = run(program, f"{option}={path}", "-j", jobs)
        assert (done.returncode, done.stderr) == (0, "")
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1] == outputs[2]
    lines = [json.loads(line) for line in outputs[0].splitlines()]
    assert [line["path"] if "path" in line else line["model"]["path"] for line in lines] == paths
    for line, name in zip(lines, paths):
        assert ("error" in line) == ("broken" in name or "missing" in name)


def test_lines_are_the_reports(listed):
    path, paths = listed
    done = run("xf-analyze", f"--batch={path}", "--gpu=t4", "--at=B=2,N=16", "--view=nodes")
    for line, name in zip(done.stdout.splitlines(), paths):
        alone = run("xf-analyze", name, "--format=json", "--gpu=t4", "--at=B=2,N=16", "--view=nodes")
        if alone.returncode == 0:
            assert json.loads(line) == json.loads(alone.stdout)
        else:
            assert alone.stderr == f"error: {json.loads(line)['error']}\n"


def test_a_list_from_standard_input_into_a_file(listed, tmp_path):
    path, paths = listed
    for program, option in (("xf-analyze", "--batch=-"), ("xf-opt", "--shapes-json=-")):
        done = run(program, option, "-o", tmp_path / "out", input=path.read_text())
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert len((tmp_path / "out").read_text().splitlines()) == len(paths)


@pytest.mark.parametrize("program, option", [("xf-analyze", "--batch"), ("xf-opt", "--shapes-json")])
def test_a_list_names_files(program, option, tmp_path):
    (tmp_path / "list").write_text(f"{GRAPHS[0]}\n-\n{GRAPHS[1]}\n")
    done = run(program, f"{option}={tmp_path / 'list'}", "-j", "2", stdin=open(GRAPHS[0], "rb"))
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0 and "error" not in first and "error" not in third
    assert second == {"path": "-", "error": "a list names files; standard input (-) is none"}


def test_strict_is_for_each(listed, tmp_path):
    model = tmp_path / "odd.onnxtxt"
    model.write_text('<ir_version: 8, opset_import: ["" : 17, "d" : 1]>\ng (float[N] x) => (float[N] y) { y = d.Odd (x) }')
    (tmp_path / "list").write_text(f"{model}\n{GRAPHS[0]}\n")
    first, second = run("xf-analyze", f"--batch={tmp_path / 'list'}", "--strict").stdout.splitlines()
    assert "--strict allows none" in json.loads(first)["error"] and "error" not in json.loads(second)


def test_a_reader_that_has_seen_enough(listed):
    path, _ = listed
    done = subprocess.run(f"{contract.BIN}/xf-opt --shapes-json={path} -j 2 | head -c 10", shell=True, text=True,
                          capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("program, arguments, why", [
    ("xf-analyze", ["--batch=list", "m.onnx"], "a MODEL beside it has no meaning"),
    ("xf-analyze", ["--batch=list", "--format=csv"], "--format=csv beside it has no meaning"),
    ("xf-analyze", ["--batch=list", "-j", "many"], "-j many: expected a number of threads"),
    ("xf-analyze", ["m.onnx", "-j", "2"], "-j is for --batch"),
    ("xf-opt", ["m.onnx", "-j", "2"], "-j is for --shapes-json"),
    ("xf-opt", ["--shapes-json=list", "-j", "5000"], "-j 5000: expected a number of threads, at most 1024"),
])
def test_usage(program, arguments, why):
    done = run(program, *arguments)
    assert done.returncode == 2 and why in done.stderr


def test_a_list_that_is_not_there():
    done = run("xf-analyze", "--batch=no/such/list")
    assert done.returncode == 1 and "cannot read the list no/such/list" in done.stderr


@pytest.mark.parametrize("program, arguments", [
    ("xf-analyze", ["{model}", "-o", "{model}"]),
    ("xf-analyze", ["{model}", "-o", "{link}"]),
    ("xf-analyze", ["{other}", "--draft={model}", "-o", "{model}"]),
    ("xf-analyze", ["--batch={list}", "-o", "{list}"]),
    ("xf-analyze", ["--batch={list}", "-o", "{model}"]),
    ("xf-opt", ["{plain}", "-o", "{plain}"]),
    ("xf-opt", ["--shapes-json={list}", "-o", "{model}"]),
])
def test_nothing_read_is_written_over(program, arguments, tmp_path):
    model, link, names = tmp_path / "m.onnx", tmp_path / "link.onnx", tmp_path / "list"
    model.write_bytes(GRAPHS[0].read_bytes())
    plain = tmp_path / "m"
    plain.write_bytes(model.read_bytes())
    link.symlink_to(model)
    names.write_text(f"{model}\n")
    before = model.read_bytes(), plain.read_bytes(), names.read_bytes()
    words = [word.format(model=model, link=link, list=names, plain=plain, other=GRAPHS[1]) for word in arguments]
    done = run(program, *words)
    assert done.returncode == 2 and "would write over a file that is read" in done.stderr
    assert before == (model.read_bytes(), plain.read_bytes(), names.read_bytes())
