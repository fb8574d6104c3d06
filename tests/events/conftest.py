"""A region, the toy consumer with its table, and a publisher and replicas that are called rather than started."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from redis import Redis

from clinic.events import consumers
from clinic.events.publishing import publish_events
from clinic.events.replica import Replica
from regions.models import Region
from tests.events import toy
from tests.factories import RegionFactory

Consume = Callable[..., Replica]


@pytest.fixture
def north(db: None) -> Region:
    return RegionFactory.create(name="north", display_name="North")


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[None]:
    """The toy consumer and its trigger are registered, and their table is there."""
    monkeypatch.setattr(consumers, "_consumers", dict(consumers._consumers))
    monkeypatch.setattr(consumers, "_triggers", list(consumers._triggers))
    toy.register()
    toy.make_table()
    yield
    toy.drop_table()


@pytest.fixture
def publish(queue: Redis, toys: None) -> Callable[[], int]:
    """Publish what is recorded."""
    return lambda: publish_events(queue)


@pytest.fixture
def replica(queue: Redis, toys: None) -> Consume:
    """A new replica of the toy consumer."""

    def make(claim_after: float = 60) -> Replica:
        return Replica(consumer=toy.TOY, client=queue, claim_after=timedelta(seconds=claim_after))

    return make


@pytest.fixture
def consume(replica: Consume) -> Callable[[], None]:
    """Let one replica do all there is to do now."""

    def until_done() -> None:
        one = replica()
        while one.turn(wait=0):
            pass

    return until_done
