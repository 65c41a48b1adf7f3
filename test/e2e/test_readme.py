"""The README's picture is what `make run` prints."""

import os
import subprocess

import contract


def test_picture():
    readme = (contract.ROOT / "README.md").read_text()
    picture = readme.split("$ make run\n\n", 1)[1].split("```", 1)[0]
    done = subprocess.run([contract.BIN / "xf-analyze", "models/gpt2-xl.onnx", "--gpu", "t4"], cwd=contract.ROOT,
                          env=dict(os.environ, COLUMNS="120"), capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, picture.strip())
