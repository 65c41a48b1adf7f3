"""examples/my-pass, configured and built as a stranger would: against an installed xfa, and against the build folder."""

import shutil
import subprocess
import sys
from pathlib import Path

import contract
import onnx
import pytest

BUILD = contract.BIN.parent
CMAKE = Path(sys.executable).with_name("cmake")


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: status {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"
    return done.stdout


@pytest.fixture(params=["installed", "built"])
def program(request, tmp_path):
    prefix = BUILD
    if request.param == "installed":
        prefix = tmp_path / "prefix"
        run(CMAKE, "--install", BUILD, "--prefix", prefix, "--component", "dev")
    source = shutil.copytree(contract.ROOT / "examples" / "my-pass", tmp_path / "my-pass")
    run(CMAKE, "-S", source, "-B", tmp_path / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-Dxfa_ROOT={prefix}")
    run(CMAKE, "--build", tmp_path / "build")
    return tmp_path / "build" / "my-pass"


def test_own_pass(program, tmp_path):
    model = tmp_path / "in.onnx"
    onnx.save(onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[N] x) => (float[N] y) { a = Relu (x)  b = Relu (a)  c = Neg (b)  y = Relu (c) }
    """), model)
    said = run(program, model, tmp_path / "out.onnx")
    assert said.splitlines() == ["unfuse: fired 0, refused 0", "drop-second-relu: fired 1, refused 2",
                                 "dce: fired 0, refused 0"]
    written = onnx.load(tmp_path / "out.onnx")
    assert [node.op_type for node in written.graph.node] == ["Relu", "Neg", "Relu"]
