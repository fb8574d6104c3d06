"""Queues that are paused: workers take nothing from them, and go on with the others."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from redis import Redis
from rq import Queue

from backoffice import pausing, presence
from backoffice.operations import orders
from backoffice.operations.alerts import long_pauses
from backoffice.operations.models import Order, PausedQueue
from backoffice.runs.faults import Misuse
from tests.factories import UserFactory
from tests.processes import Processes, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engineer() -> User:
    user: User = UserFactory.create(role="engineer")
    return user


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return tmp_path / "lines"


@pytest.fixture
def enqueue(queue: Redis, lines: Path) -> Callable[[str], None]:
    def put(name: str) -> None:
        Queue(name, connection=queue).enqueue("tests.queue.jobs.write", str(lines), name, job_timeout=-1)

    return put


def read(lines: Path) -> list[str]:
    return lines.read_text().split() if lines.exists() else []


@pytest.mark.slow
def test_a_worker_takes_nothing_from_a_paused_queue_and_goes_on_when_it_is_resumed(
    processes: Processes, enqueue: Callable[[str], None], lines: Path, engineer: User
) -> None:
    """[S4-22] Processors is the first in the order, and is passed by."""
    orders.pause(["processors"], engineer, "the payer is down")
    enqueue("processors")
    enqueue("low")
    processes.manage("work")
    until(lambda: read(lines) == ["low"])
    enqueue("default")
    until(lambda: read(lines) == ["low", "default"])
    orders.resume(["processors"], engineer)
    until(lambda: read(lines) == ["low", "default", "processors"])


@pytest.mark.slow
def test_with_every_queue_paused_a_worker_waits_and_ends_when_it_is_asked_to(
    processes: Processes, enqueue: Callable[[str], None], lines: Path, engineer: User, queue: Redis
) -> None:
    """Drained: nothing in hand, nothing taken."""
    orders.pause(settings.QUEUE_ORDER, engineer, "drained")
    enqueue("default")
    work = processes.manage("work")
    until(lambda: any(one.name == "worker" for one in presence.processes()))
    assert read(lines) == []
    work.process.terminate()
    assert work.ends(within=20) == 0
    assert read(lines) == []


def test_a_pause_has_its_reason_its_rows_and_its_alert(queue: Redis, engineer: User) -> None:
    assert orders.pause(["low", "default"], engineer, " an upgrade ") == 2
    assert orders.pause(["low"], engineer, "again") == 0
    assert pausing.paused(queue) == {"low", "default"}
    assert [each.message.split(" since ")[0] for each in long_pauses()] == [
        "The queue default is paused", "The queue low is paused",
    ]  # fmt: skip
    queue.delete(pausing.PAUSED)  # it may lose what it knows
    assert len(list(long_pauses())) == 2
    assert pausing.paused(queue) == {"low", "default"}
    assert orders.resume(["low", "mailers"], engineer) == 1
    assert pausing.paused(queue) == {"default"}
    kinds = list(Order.objects.order_by("pk").values_list("kind", "target"))
    assert kinds == [("pause", "default"), ("pause", "low"), ("resume", "low")]


def test_two_who_drain_at_once_pause_each_queue_once(queue: Redis, engineer: User) -> None:
    """Each in another order, and neither is refused."""
    done: list[int] = []
    start = threading.Barrier(2)

    def drain(names: Sequence[str]) -> None:
        start.wait()
        done.append(orders.pause(names, engineer, "drained"))
        connection.close()

    threads = [
        threading.Thread(target=drain, args=(names,)) for names in (settings.QUEUE_ORDER, settings.QUEUE_ORDER[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == len(settings.QUEUE_ORDER) == PausedQueue.objects.count() == Order.objects.count()
    assert len(done) == 2
    assert pausing.paused(queue) == set(settings.QUEUE_ORDER)


def test_what_others_have_paused_stays_paused(queue: Redis, engineer: User) -> None:
    """Their rows may not be committed yet: only what one has changed oneself is told to the workers."""
    queue.sadd(pausing.PAUSED, "mailers")
    orders.pause(["low"], engineer, "an upgrade")
    orders.resume(["low"], engineer)
    assert pausing.paused(queue) == {"mailers"}


@pytest.mark.parametrize(
    ("names", "reason", "says"),
    [(["low"], "  ", "Say why"), (["fast"], "because", "No queue is called 'fast'"), ([], "because", "")],
)
def test_a_pause_without_a_reason_or_of_no_queue_changes_nothing(
    queue: Redis, engineer: User, names: list[str], reason: str, says: str
) -> None:
    if says:
        with pytest.raises(Misuse, match=says):
            orders.pause(names, engineer, reason)
    else:
        assert orders.pause(names, engineer, reason) == 0
    assert not PausedQueue.objects.exists()
    assert not Order.objects.exists()


def test_a_pause_that_no_worker_would_hear_of_is_not_noted(
    engineer: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("django.conf.settings.RQ_QUEUES", {"default": {"URL": f"unix://{tmp_path}/none.sock"}})
    with pytest.raises(Misuse, match="does not answer"):
        orders.pause(["low"], engineer, "an upgrade")
    assert not PausedQueue.objects.exists()
    assert not Order.objects.exists()
