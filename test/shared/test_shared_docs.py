"""docs/CORPUS.md is what the graphs of ../shared/corpus say."""

import subprocess
import sys

import contract


def test_corpus(shared):
    done = subprocess.run([sys.executable, contract.ROOT / "scripts" / "corpus.py", "--check", contract.BIN.parent],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
