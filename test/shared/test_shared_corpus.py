"""Every graph of ../shared/corpus is analysed: exporters of all kinds, none of them ours."""

import contract
import pytest

FOLDER = contract.SHARED / "corpus"
GRAPHS = sorted(FOLDER.rglob("*.onnx"))


def test_there_is_a_corpus(shared):
    assert len(GRAPHS) >= 63


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_analysed(graph):
    report = contract.analyze(graph)
    assert report["schema"] == "xf-analyze/1"
    assert report["coverage"]["nodes"] > 0
