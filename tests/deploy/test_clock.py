"""`run_schedule`: what cron would start, started when it is due, once for each region that expects it."""

import signal
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from backoffice.deploy import clock as clock_module
from backoffice.deploy.clock import Clock, due_or_missed
from backoffice.deploy.crontab import ALSO, Entry, entries, entry_named
from backoffice.runs.models import Alert
from clinic.care.models import CommandState
from regions.models import Region
from tests.factories import RegionFactory
from tests.processes import Processes, until

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NIGHT = datetime(2026, 3, 2, 2, 40, 7, tzinfo=UTC)


def by_cron(expression: str, at: datetime) -> bool:
    """Whether cron would start it in this minute: minutes and hours alone, as our table has them."""
    minute, hour, *rest = expression.split()
    assert rest == ["*", "*", "*"]
    return _matches(minute, at.minute) and _matches(hour, at.hour)


def _matches(field: str, value: int) -> bool:
    span, _, step = field.partition("/")
    first = 0 if span == "*" else int(span.partition("-")[0])
    if span != "*" and "-" not in span:
        return value == first
    return value >= first and (value - first) % int(step or 1) == 0


@given(minutes=st.integers(min_value=0, max_value=60 * 24 * 400), seconds=st.integers(min_value=0, max_value=59))
def test_the_expression_for_cron_says_the_same_as_the_clock(minutes: int, seconds: int) -> None:
    """[S4-08]"""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes, seconds=seconds)
    for entry in entries():
        assert entry.is_due(at) == by_cron(entry.cron, at), entry.command


@pytest.mark.parametrize(
    ("every", "past", "cron"),
    [
        (MINUTE, 0 * MINUTE, "* * * * *"),
        (5 * MINUTE, 0 * MINUTE, "*/5 * * * *"),
        (15 * MINUTE, 8 * MINUTE, "8-59/15 * * * *"),
        (HOUR, 20 * MINUTE, "20 * * * *"),
        (DAY, 2 * HOUR + 40 * MINUTE, "40 2 * * *"),
    ],
)
def test_how_cron_writes_it(every: timedelta, past: timedelta, cron: str) -> None:
    assert Entry(command="clean_up", every=every, past=past).cron == cron


def test_the_schedule_is_printed_as_cron_writes_it(capsys: Any) -> None:
    call_command("run_schedule", "--list")
    assert "40 2 * * *        clean_up" in capsys.readouterr().out.splitlines()


def test_a_command_that_is_not_in_it_is_one_line() -> None:
    with pytest.raises(CommandError, match=r"'demo' is not in the schedule\. In it are: abandon_stale_runs, check_al"):
        call_command("run_schedule", "demo")


@pytest.fixture
def two_clearinghouses(db: None) -> tuple[Region, Region]:
    RegionFactory.create(name="paused", clearinghouse={"host": "x"}, paused=True)
    north = RegionFactory.create(name="north", clearinghouse={"host": "x"})
    return north, RegionFactory.create(name="south", clearinghouse={"host": "x"})


def test_a_command_is_started_for_each_region_that_expects_it(two_clearinghouses: tuple[Region, Region]) -> None:
    assert sorted(entry_named("list_claim_files").lines()) == [
        ("list_claim_files", "--region", "north"),
        ("list_claim_files", "--region", "south"),
    ]
    assert entry_named("clean_up").lines() == [("clean_up",)]
    assert entry_named("check_alerts").lines() == [("check_alerts",)]


def test_what_was_missed_while_no_clock_ran_is_known_by_when_it_last_began(
    two_clearinghouses: tuple[Region, Region],
) -> None:
    north, _ = two_clearinghouses
    hourly = Entry(command="list_claim_files", every=HOUR, regions=lambda: Region.objects.filter(paused=False))
    CommandState.objects.create(command="list_claim_files", region=north, began_at=NIGHT - 5 * MINUTE)
    assert hourly.missed(NIGHT) == [("list_claim_files", "--region", "south")]
    CommandState.objects.update(began_at=NIGHT - HOUR)
    assert len(hourly.missed(NIGHT)) == 2
    assert entry_named("clean_up").missed(NIGHT) == [("clean_up",)]
    CommandState.objects.create(command="clean_up", region=None, began_at=NIGHT)
    assert entry_named("clean_up").missed(NIGHT) == []
    assert [each.missed(NIGHT) for each in ALSO] == [[], [], [("forget_phones",)]]


@pytest.mark.django_db(transaction=True)
def test_what_was_due_while_the_database_was_away_is_made_up_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was lost for a day: only a clock that began anew asked what was missed."""

    def away() -> list[Entry]:
        raise OperationalError

    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(clock_module, "started", begun.append)
    monkeypatch.setattr(clock_module, "entries", away)
    clock = Clock()
    assert not clock.start_all(due_or_missed)
    nightly = entry_named("clean_up")
    monkeypatch.setattr(clock_module, "entries", lambda: [nightly])
    assert clock.start_all(due_or_missed)
    assert begun == [("clean_up",)]
    CommandState.objects.create(command="clean_up", region=None, began_at=timezone.now())
    assert due_or_missed(nightly, nightly.slot(timezone.now()) + 2 * MINUTE) == []


@pytest.mark.django_db(transaction=True)
def test_one_of_them_is_run_now_and_written_down(processes: Processes) -> None:
    """[S4-08]: as a CronJob starts it."""
    ended = processes.manage("run_schedule", "clean_up", "check_alerts")
    assert ended.ends(within=60) == 0, ended.output
    assert ended.output == ""
    assert CommandState.objects.get(command="clean_up").status == 0
    assert Alert.objects.count() == 0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_one_that_fails_is_named_with_its_status_and_the_others_run(processes: Processes, tmp_path: Any) -> None:
    ended = processes.manage("run_schedule", "forget_phones", "clean_up", PHONE_KEPT_DAYS="0")
    assert ended.ends(within=60) == 1
    assert "command=forget_phones" in ended.output
    assert "status=2" in ended.output
    assert CommandState.objects.get(command="clean_up").status == 0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_clock_starts_what_is_due_and_what_was_missed_until_it_is_told_to_end(
    processes: Processes, queue: object
) -> None:
    """[S4-08] [S3-24]"""
    clock = processes.manage("run_schedule")
    until(lambda: CommandState.objects.filter(command="clean_up", status=0).exists(), within=90)
    clock.signal(signal.SIGTERM)
    assert clock.ends(within=30) == 0, clock.output
    began = CommandState.objects.get(command="clean_up").began_at
    assert began is not None
    assert began > timezone.now() - timedelta(minutes=3)


@pytest.mark.slow
def test_what_still_runs_is_not_started_once_more_and_ends_with_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Entry(command="slow", every=MINUTE)
    failed: list[str] = []
    monkeypatch.setattr(clock_module, "entries", lambda: [slow])
    monkeypatch.setattr(clock_module, "_manage", lambda line: threading.Event().wait(60))
    monkeypatch.setattr(clock_module.log, "error", lambda *said, **more: failed.append(said[0]))
    clock = Clock()
    for _ in range(2):
        clock.start_all(lambda entry, now: entry.lines())
    assert len(clock._children) == 1
    assert clock.reap() is True
    clock.end()
    assert clock._children == {}
    assert failed == []
