"""Events are forgotten when everybody is done with them, and not before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis

from clinic.events.models import Inbox, Outbox
from clinic.events.retention import forget_events
from clinic.events.stream import STREAM
from regions.models import Region
from tests.events import toy

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_what_is_handled_is_forgotten_and_its_order_goes_on(
    publish: Callable[[], int], consume: Callable[[], None], queue: Redis, north: Region, settings: Any
) -> None:
    settings.EVENT_RETRY_SECONDS = [0.0]
    toy.happen(north, "one")
    toy.happen(north, "two", poison=True)
    publish()
    consume()
    toy.happen(north, "one")
    month_ago = timezone.now() - timedelta(days=30)
    Outbox.objects.update(recorded_at=month_ago)
    assert forget_events(month_ago) == 0
    assert forget_events(timezone.now()) == 1
    assert sorted(Outbox.objects.values_list("subject", "sequence")) == [("one", 2), ("two", 1)]
    assert Inbox.objects.filter(dead=False).count() == 0
    publish()
    queue.xadd(STREAM, {"event": 1, "type": "toy.done"})  # no such row any more
    consume()
    assert [sequence for _, _, sequence in toy.effects()] == [1, 2]
    assert queue.xpending(STREAM, "toy")["pending"] == 0
