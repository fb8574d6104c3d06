"""Nobody published for thirty hours: all is published in order once, and what is of no use any more is not sent."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from redis import Redis

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert
from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import Twilio
from clinic.booking.book import book
from clinic.events.models import Inbox, Outbox
from clinic.events.replica import Replica
from clinic.notices.consumer import NOTIFICATION
from tests.booking.world import FRONT_DESK, Clinic
from tests.notices.world import at, ledger, sent, texts

pytestmark = pytest.mark.django_db
WAITING = "rq:queue:notifications"


def standing() -> set[tuple[str, str]]:
    check_alerts()
    return set(Alert.objects.standing().filter(kind="events").values_list("kind", "key"))


def test_thirty_hours_without_the_publisher_are_made_up(
    now: Any, clinic: Clinic, twilio: HttpPeer[Twilio], queue: Redis
) -> None:
    """[S4-07] The visit that is over meanwhile gets no confirmation; the other one gets its."""
    over = book(clinic.wish(at("2026-03-02 11:00", clinic)), FRONT_DESK)
    to_come = book(clinic.wish(at("2026-03-06 11:00", clinic)), FRONT_DESK)
    now.shift(timedelta(hours=30))
    assert standing() == {("events", "publish-events")}
    for _ in range(2):
        call_command("publish_events")
    assert not Outbox.objects.filter(published_at=None).exists()
    assert queue.llen(WAITING) == Outbox.objects.filter(type="appointment.booked").count() == 2
    one = Replica(consumer=NOTIFICATION, client=queue)
    while one.turn(wait=0):
        pass
    assert Inbox.objects.filter(consumer="notification").count() == 2
    sent(clinic)
    assert len(list(texts(twilio.vendor))) == 1
    assert ledger(to_come)["confirmation 03-01 10:00"][0] == "sent"
    assert Counter(state for state, _ in ledger(over).values()).keys() <= {"not_sent", "withdrawn"}
