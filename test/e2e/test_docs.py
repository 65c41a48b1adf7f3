"""Pages that are written from the sources are what the sources say."""

import subprocess
import sys

import contract


def test_operators():
    done = subprocess.run([sys.executable, contract.ROOT / "scripts" / "ops.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
