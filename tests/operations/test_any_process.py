"""Any process of the set may be killed: it is seen, and what it had in hand is done by others or after its restart."""

import os
import shlex
import signal
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from backoffice import presence
from backoffice.operations.alerts import gone_processes
from clinic.booking.book import book
from clinic.events.models import Inbox, Outbox
from tests.booking.world import FRONT_DESK, MINUTE, Clinic, make_clinic
from tests.factories import RegionFactory
from tests.processes import ROOT, Processes, Running, until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
KINDS = (
    "web", "worker", "publisher", "consumer-notification", "consumer-pos-orders", "consumer-lis-sample-status", "cron",
)  # fmt: skip


def lines() -> dict[str, list[str]]:
    """The Procfile's, with this Python and few workers."""
    written = (line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line[0] != "#")
    found = {name: shlex.split(command) for name, command in written}
    return {name: [sys.executable, *_program(command)] for name, command in found.items()}


def _program(command: list[str]) -> list[str]:
    if command[0] == "gunicorn":
        return ["-m", *command, "--bind", "127.0.0.1:0", "--workers", "2"]
    return ["2" if word == "10" else word for word in command[1:]]


def missed(name: str) -> bool:
    return name in {wrong.key for wrong in gone_processes()}


def monday() -> datetime:
    """Of next week, in the morning of the clinic."""
    zone = ZoneInfo("America/Chicago")
    today = datetime.now(zone)
    return (
        (today + timedelta(days=7 - today.weekday())).replace(hour=9, minute=0, second=0, microsecond=0).astimezone(UTC)
    )


@pytest.fixture
def clinic(transactional_db: None) -> Clinic:
    return make_clinic(RegionFactory.create(name="north", display_name="North", time_zone="America/Chicago"))


@pytest.fixture
def set_of_all(processes: Processes, queue: Redis, settings: Any, tmp_path: Path) -> dict[str, Running]:
    settings.PRESENCE_SECONDS = 0.5
    processes.environment |= {"PRESENCE_SECONDS": "0.5", "LOG_LEVEL": "ERROR"}
    running = {name: processes.start(*lines()[name]) for name in KINDS}
    until(lambda: {one.name for one in presence.processes()} >= set(KINDS), within=120)
    return running


def test_each_one_is_missed_within_a_minute_and_nothing_is_lost_with_it(
    set_of_all: dict[str, Running], processes: Processes, clinic: Clinic
) -> None:
    """[S4-20] [S4-22] In turn: killed without a word, seen to be gone, started again. All that was booked is told."""
    assert presence.GONE_AFTER * 5 < 60  # with the default of five seconds
    for number, name in enumerate(KINDS):
        os.killpg(set_of_all[name].pid, signal.SIGKILL)
        book(clinic.wish(monday() + timedelta(days=number // 4) + number % 4 * 30 * MINUTE), FRONT_DESK)
        until(partial(missed, name), within=60)
        set_of_all[name] = processes.start(*lines()[name])
        until(lambda: not list(gone_processes()), within=60)
    told = Outbox.objects.filter(type="appointment.booked")
    assert told.count() == len(KINDS)
    until(lambda: Inbox.objects.filter(consumer="notification", event__in=told).count() == len(KINDS), within=60)
