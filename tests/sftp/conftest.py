from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice.sandbox.clearinghouse import Account, ClearinghouseServer
from tests.sftp.world import PASSWORD, USER


@pytest.fixture
def clearinghouse(tmp_path: Path) -> Iterator[ClearinghouseServer]:
    """A mailbox whose desk takes nothing by itself."""
    account = Account(user=USER, password=PASSWORD)
    with ClearinghouseServer(tmp_path / "clearinghouse", account=account, sweeping=False) as server:
        yield server
