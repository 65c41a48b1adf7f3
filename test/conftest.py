import os

import contract
import pytest


@pytest.fixture(scope="session")
def shared():
    """The folder beside the project; it may be elsewhere, or nowhere."""
    if not contract.SHARED.is_dir():
        pytest.skip(f"no folder {contract.SHARED.name} beside the project")
    return contract.SHARED


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """scripts/run_tests.py runs several processes, each of which takes every so many-th test: XFA_TEST_SHARD=index/count."""
    index, count = map(int, os.environ.get("XFA_TEST_SHARD", "0/1").split("/"))
    config.hook.pytest_deselected(items=[item for place, item in enumerate(items) if place % count != index])
    items[:] = items[index::count]
