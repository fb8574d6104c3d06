"""Each process says that it is there; one that was killed is missed, and one that is asked to begins again."""

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from backoffice import presence
from backoffice.operations.alerts import gone_processes
from backoffice.operations.standing import active_names, stands
from backoffice.presence import Presence, Process
from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert
from tests.processes import Processes, until

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def process(name: str, *, age: int = 60, silent: int = 0, pid: int = 1) -> Process:
    started, seen = NOW - timedelta(seconds=age), NOW - timedelta(seconds=silent)
    return Process(name=name, host="a", pid=pid, started=started, seen=seen, memory=2**20, cpu=6.0)


def rows_of(name: str) -> list[Process]:
    return [one for one in presence.processes() if one.name == name]


def test_a_process_that_ends_in_good_order_takes_its_row_away(queue: Redis, processes: Processes) -> None:
    publisher = processes.manage("publish_events", "--every", "0.2")
    until(lambda: rows_of("publisher"))
    (row,) = rows_of("publisher")
    assert row.pid == publisher.pid
    assert 10 * 2**20 < row.memory < 2**30
    publisher.signal(signal.SIGTERM)
    assert publisher.ends(within=20) == 0
    assert rows_of("publisher") == []


def test_a_process_that_was_killed_raises_an_alert_until_another_takes_its_place(
    queue: Redis, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[S4-22] The alert is there before a minute is over."""
    assert presence.silence().total_seconds() < 60
    publisher = processes.manage("publish_events", "--every", "0.2")
    until(lambda: rows_of("publisher"))
    os.kill(publisher.pid, signal.SIGKILL)
    publisher.ends()
    assert list(gone_processes()) == []
    monkeypatch.setattr(presence, "GONE_AFTER", 0)
    check_alerts()
    (alert,) = Alert.objects.standing().filter(kind="process", key="publisher")
    assert alert.message.startswith("1 process publisher ended ")
    monkeypatch.undo()
    processes.manage("publish_events", "--every", "0.2")
    until(lambda: len(rows_of("publisher")) == 2)
    check_alerts()
    assert not Alert.objects.standing().filter(kind="process", key="publisher").exists()


def test_what_has_been_replaced_is_not_missed() -> None:
    killed, younger, older = process("web", silent=40), process("web", age=20), process("web", age=90, pid=2)
    assert presence.gone([killed, older], NOW) == [killed]
    assert presence.gone([killed, older, younger], NOW) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("consumer-notification", ("consume", "notification")),
        ("publisher", ("publish_events", "--every", "0.2")),
        ("worker", ("work",)),
        ("cron", ("run_schedule",)),
    ],
)
def test_a_restart_puts_the_same_command_in_the_place_of_the_process(
    queue: Redis, processes: Processes, name: str, arguments: tuple[str, ...]
) -> None:
    """[S4-22]"""
    running = processes.manage(*arguments)
    until(lambda: rows_of(name))
    (before,) = rows_of(name)
    presence.ask_for_restart(name)
    until(lambda: [row for row in rows_of(name) if row.started > before.started])
    (after,) = rows_of(name)
    assert after.pid == before.pid == running.pid
    running.signal(signal.SIGTERM)
    assert running.ends() == 0


def test_an_order_of_before_the_start_restarts_nothing(queue: Redis) -> None:
    asked: list[str] = []
    presence.ask_for_restart("toy")
    toy = Presence(name="toy", on_restart=lambda: asked.append("again"))
    toy.beat()
    assert asked == []
    presence.ask_for_restart("toy")
    toy.beat()
    toy.beat()
    assert asked == ["again"]


def test_what_is_off_is_shown_as_such_and_never_restarted_with_the_others(queue: Redis) -> None:
    """[S4-17] [S4-22] Consumers that are off keep their line and their review date."""
    found = [process("web"), process("consumer-checkup"), process("consumer-notification", silent=50)]
    assert active_names(found, NOW) == ["web"]
    kinds = {each.meant.name: each for each in stands(found, NOW)}
    checkup = kinds["consumer-checkup"]
    assert (checkup.on, checkup.here, checkup.meant.review is not None) == (False, 1, True)
    assert kinds["consumer-notification"].short
    assert kinds["web"].load == pytest.approx(0.1)


def test_a_queue_that_is_away_holds_up_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    away = {"default": {"URL": f"unix://{tmp_path}/none.sock"}}
    monkeypatch.setattr("django.conf.settings.RQ_QUEUES", away)
    Presence(name="toy", on_restart=lambda: None).beat()
    presence.hand_over("toy")
    assert list(gone_processes()) == []
