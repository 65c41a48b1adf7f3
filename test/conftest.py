import contract
import pytest


@pytest.fixture(scope="session")
def shared():
    """The folder beside the project; it may be elsewhere, or nowhere."""
    if not contract.SHARED.is_dir():
        pytest.skip(f"no folder {contract.SHARED.name} beside the project")
    return contract.SHARED
