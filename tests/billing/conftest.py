from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice.sandbox.clearinghouse import Account, ClearinghouseServer
from regions.models import Region
from tests.billing.answered import HOUSE
from tests.billing.sending import PASSWORD, Office, office_of
from tests.factories import RegionFactory


@pytest.fixture
def clearinghouse(tmp_path: Path) -> Iterator[ClearinghouseServer]:
    """It takes nothing by itself: what is sent stays in inbound until desk.sweep()."""
    with ClearinghouseServer(tmp_path / "clearinghouse", account=Account(password=PASSWORD), sweeping=False) as served:
        yield served


@pytest.fixture
def office(clearinghouse: ClearinghouseServer, queue: object, transactional_db: None) -> Office:
    return office_of(clearinghouse)


@pytest.fixture
def region(transactional_db: None) -> Region:
    return RegionFactory.create(name="north", clearinghouse=HOUSE)
