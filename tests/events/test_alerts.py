"""Alerts of the events: nobody publishes, nobody handles, too many failures, a review that is due."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert
from clinic.events import alerts, checkup, consumers
from clinic.events.models import Outbox
from regions.models import Region
from tests.events import toy

pytestmark = pytest.mark.django_db(transaction=True)


def raised() -> list[tuple[str, str]]:
    check_alerts()
    return sorted(Alert.objects.standing().exclude(kind="queue").values_list("kind", "key"))


def test_events_that_wait_and_events_that_are_dead_raise_alerts_that_clear_themselves(
    publish: Callable[[], int], consume: Callable[[], None], north: Region, settings: Any
) -> None:
    settings.EVENT_RETRY_SECONDS = [0.0]
    toy.happen(north, "one", poison=True)
    assert raised() == []
    Outbox.objects.update(recorded_at=timezone.now() - alerts.LATE * 2)
    assert raised() == [("events", "publish-events")]
    publish()
    assert raised() == [("events", "toy")]
    consume()
    assert raised() == [("dead_letters", "toy/north")]


def test_a_consumer_that_is_off_is_to_be_reviewed(toys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """[S4-06] [S4-17]"""
    assert checkup.CHECKUP.replicas == 0
    late = replace(checkup.CHECKUP, review=date.today() - timedelta(days=1))  # noqa: DTZ011
    monkeypatch.setitem(consumers._consumers, "checkup", late)
    assert raised() == [("review", "checkup")]
