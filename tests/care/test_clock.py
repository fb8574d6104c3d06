"""The web process looks by itself whether something is wrong: it needs no cron, and nothing ends it."""

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from backoffice.runs import alerts
from backoffice.runs.models import Alert
from clinic.booking.book import book
from clinic.care.models import CommandState
from clinic.events.models import Outbox
from tests.booking.world import FRONT_DESK, MONDAY, NOW, make_clinic
from tests.factories import RegionFactory
from tests.processes import until

pytestmark = pytest.mark.django_db(transaction=True)
SILENCE, FAILING = "clinic.care.alerts.silent_commands", f"{__name__}.failing"
calls: list[str] = []


def failing() -> Iterator[alerts.Wrong]:
    """A check with a fault that nobody expected, the first two times."""
    calls.append(threading.current_thread().name)
    if len(calls) <= 2:
        raise KeyError("a patient's name")
    yield from ()


@pytest.fixture
def clock() -> Iterator[None]:
    """As the web process has it, every twentieth of a second."""
    calls.clear()
    end = alerts.start_clock(0.05)
    yield
    end()
    assert not [one for one in threading.enumerate() if one.name == "alerts"]


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has started track_appointment_states since the visit was booked, two hours ago."""
    monkeypatch.setattr(alerts, "CHECKS", (FAILING, SILENCE))
    with time_machine.travel(NOW, tick=False):
        clinic = make_clinic(RegionFactory.create(name="clinic"))
        book(clinic.wish(MONDAY), FRONT_DESK)
        Outbox.objects.update(published_at=timezone.now())
    hours = timezone.now() - timedelta(hours=2)
    CommandState.objects.create(command="track_appointment_states", region=clinic.region, since=hours)


def test_the_web_process_raises_the_silence_alarm_beside_faults_that_nobody_expected(
    silent: None, clock: None, caplog: pytest.LogCaptureFixture
) -> None:
    """[S3-18] No check_alerts of cron; each look that failed is logged by its class alone."""
    key = "track_appointment_states/clinic"
    with caplog.at_level(logging.WARNING):
        until(lambda: len(calls) > 3 and Alert.objects.standing().filter(kind="silence", key=key).exists())
    assert set(calls) == {"alerts"}
    until(lambda: not Alert.objects.standing().filter(kind="alarm").exists())
    said = [record.getMessage() for record in caplog.records if "alert_check_failed" in record.getMessage()]
    assert len(said) == 2
    assert all("KeyError" in line and "name" not in line for line in said), said
