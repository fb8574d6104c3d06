from collections.abc import Iterator

import pytest

from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.pverify import PVerify
from regions.models import Region
from tests.care.world import SECRET, Peer, account
from tests.factories import RegionFactory


@pytest.fixture
def peer() -> Iterator[Peer]:
    with HttpPeer(PVerify(secret=SECRET)) as served:
        yield served


@pytest.fixture
def north(peer: Peer, db: None) -> Region:
    """It asks four at a time."""
    return RegionFactory.create(name="north", env_vars=account(peer), concurrency_per_run=4)
