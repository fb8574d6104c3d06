"""The chunk loop: commits, balance, faults, the breaker, stops."""

import contextvars
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
import structlog
from django.db import IntegrityError, OperationalError
from psycopg import errors

from backoffice.runs import kernel
from backoffice.runs.control import stop_run
from backoffice.runs.faults import ConfigError, ItemError, OutOfBalance, TransientError
from backoffice.runs.job import Fault
from backoffice.runs.models import Failure, Run, RunStatus, StepPart
from backoffice.runs.report import run_report
from tests.running import finish, go_on, start
from tests.runs.conftest import parts_of
from tests.runs.toy import World

pytestmark = pytest.mark.django_db(transaction=True)


def begin(job: str = "toy", **parameters: object) -> Run:
    return start(job, None, **parameters)


def die_at(number: int, error: Exception) -> Callable[[list[int]], None]:
    def before_chunk(numbers: list[int]) -> None:
        if number in numbers:
            raise error

    return before_chunk


def test_a_run_reads_everything_once_and_ends_complete_with_its_figures(world: World) -> None:
    run = finish(begin())
    report = run_report(run)
    assert (run.status, run.reason) == (RunStatus.COMPLETE, "")
    assert world.committed == list(range(10))
    assert report["read"] == 10
    assert report["outcomes"] == {"done": 10}
    assert report["money"] == {"value": "1.00"}
    assert report["progress"]["share"] == 1.0


def test_a_run_that_nobody_has_ended_says_interrupted(world: World) -> None:
    run = begin()
    assert (run.status, run.reason) == (RunStatus.QUEUED, "interrupted")


def test_a_chunk_that_fails_leaves_the_earlier_ones_and_a_restart_goes_on_after_them(world: World) -> None:
    world.before_chunk = die_at(4, ZeroDivisionError("secret of a patient"))
    run = finish(begin())
    assert (run.status, run.reason) == (RunStatus.ERRORED, "unexpected")
    assert world.committed == [0, 1, 2]
    world.before_chunk = lambda numbers: None
    again = go_on(run)
    assert again.status == RunStatus.COMPLETE
    assert again.attempt == 2
    assert world.committed == list(range(10))
    assert run_report(run)["read"] == run_report(again)["read"] == 10


def test_an_unexpected_fault_is_told_by_class_and_place_never_by_its_message(world: World) -> None:
    world.before_chunk = die_at(4, ZeroDivisionError("secret of a patient"))
    run = finish(begin())
    assert run.detail.startswith("ZeroDivisionError at test_kernel.py:")
    assert "secret" not in run.detail


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ConfigError("The token is wrong."), RunStatus.FAILED, "configuration"),
        (TransientError("http_503"), RunStatus.FAILED, "other_side"),
        (OutOfBalance("3 is not 4."), RunStatus.FAILED, "out_of_balance"),
        (OperationalError("gone"), RunStatus.ERRORED, "database"),
        (IntegrityError("twice"), RunStatus.ERRORED, "unexpected"),
        (KeyError("x"), RunStatus.ERRORED, "unexpected"),
    ],
)
def test_what_ends_a_run_ends_it_as_failed_when_it_was_expected_and_errored_when_not(
    world: World, error: Exception, status: RunStatus, reason: str
) -> None:
    world.before_chunk = die_at(4, error)
    run = finish(begin())
    assert (run.status, run.reason) == (status, reason)
    assert run.restartable


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (errors.DeadlockDetected("of whom"), "DeadlockDetected"),
        (errors.DiskFull("where"), "DiskFull"),
        (errors.OutOfMemory("what for"), "OutOfMemory"),
        (None, "OperationalError"),
    ],
)
def test_what_the_database_gave_up_for_is_named(world: World, cause: Exception | None, said: str) -> None:
    """S2-28"""
    error = OperationalError("with data of a patient")
    error.__cause__ = cause
    world.before_chunk = die_at(4, error)
    run = finish(begin())
    assert (run.reason, run.detail) == ("database", f"The database gave up ({said}). Restart it.")


def test_sqlite_says_that_a_lock_was_not_given_in_time(world: World, tmp_path: Path) -> None:
    """S2-28"""
    with closing(sqlite3.connect(tmp_path / "held")) as held, closing(sqlite3.connect(tmp_path / "held", 0)) as other:
        held.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as refused:
            other.execute("BEGIN IMMEDIATE")
    error = OperationalError()
    error.__cause__ = refused.value
    world.before_chunk = die_at(4, error)
    assert finish(begin()).detail == "The database gave up (SQLITE_BUSY). Restart it."


def test_an_items_fault_stays_with_the_item_and_stands_in_a_failure_row(world: World) -> None:
    """S0-10"""
    world.judge = lambda n: (
        Fault(category="data", reason="odd", reference=str(n), money=Decimal("5.00")) if n % 2 else "done"
    )
    run = finish(begin())
    assert run.status == RunStatus.COMPLETE
    assert run_report(run)["outcomes"] == {"done": 5, "failed": 5}
    assert run_report(run)["failures"] == {"data": {"odd": 5}}
    assert set(Failure.objects.values_list("reference", "money_at_stake")) == {
        (str(n), Decimal("5.00")) for n in (1, 3, 5, 7, 9)
    }


def test_an_outcome_that_the_job_does_not_declare_fails_the_run(world: World) -> None:
    world.judge = lambda n: "vanished" if n == 7 else "done"
    run = finish(begin())
    assert (run.status, run.reason) == (RunStatus.FAILED, "out_of_balance")
    assert "vanished" in run.detail
    assert world.committed == [0, 1, 2, 3, 4, 5]


def test_a_step_whose_verification_fails_ends_failed_and_names_both_figures(world: World) -> None:
    def verify() -> None:
        raise OutOfBalance("10 were scanned, 9 have an outcome.")

    world.verify = verify
    run = finish(begin())
    assert (run.status, run.detail) == (RunStatus.FAILED, "10 were scanned, 9 have an outcome.")


@pytest.mark.parametrize(("failing", "status"), [(100, RunStatus.COMPLETE), (101, RunStatus.FAILED)])
def test_more_than_half_of_the_last_200_items_failing_for_reasons_not_theirs_ends_the_run(
    world: World, failing: int, status: RunStatus
) -> None:
    world.items, world.size = list(range(400)), 50
    world.judge = lambda n: Fault(category="transient", reason="http_503") if n < failing else "done"
    assert finish(begin()).status == status


def test_faults_of_the_data_never_end_a_run(world: World) -> None:
    """S0-14"""
    world.items, world.size = list(range(400)), 50
    world.judge = lambda n: Fault(category="data", reason="odd")
    run = finish(begin())
    assert run.status == RunStatus.COMPLETE
    assert run_report(run)["outcomes"] == {"failed": 400}


def test_a_stop_takes_effect_after_the_present_chunk_and_a_restart_goes_on_there(world: World) -> None:
    run = begin()

    def stop_at_four(numbers: list[int]) -> None:
        if 4 in numbers:
            stop_run(run)

    world.before_chunk = stop_at_four
    finish(run)
    assert (run.status, run.reason) == (RunStatus.STOPPED, "stopped")
    assert world.committed == [0, 1, 2, 3, 4, 5]
    world.before_chunk = lambda numbers: None
    assert go_on(run).status == RunStatus.COMPLETE
    assert world.committed == list(range(10))


def test_a_second_bell_for_the_same_part_does_nothing(world: World) -> None:
    run = begin()
    (part,) = parts_of(run)
    kernel.work(part)
    kernel.work(part)
    assert world.seen == list(range(10))


def test_what_is_refused_once_is_intended_again_before_it_is_tried_again(world: World) -> None:
    world.items, world.size = [1, 2, 3, 4], 4
    run = finish(begin("writing"))
    assert run.status == RunStatus.COMPLETE
    assert world.intended == world.acted == [[1, 2, 3, 4], [2, 4]]


def test_a_worker_that_is_to_end_gives_its_part_back_after_the_chunk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    handover = threading.Event()
    monkeypatch.setattr(kernel, "_handover", handover)
    run = begin()
    world.before_chunk = lambda numbers: kernel.request_handover() if 4 in numbers else None
    (part,) = parts_of(run)
    kernel.work(part)
    run.refresh_from_db()
    assert run.status == RunStatus.RUNNING
    assert world.committed == [0, 1, 2, 3, 4, 5]
    handover.clear()
    assert finish(run).status == RunStatus.COMPLETE
    assert world.committed == list(range(10))


def test_each_returns_values_in_order_and_keeps_faults_with_their_items() -> None:
    """S0-10"""

    def one(n: int) -> int:
        if n == 3:
            raise ItemError("data", "three")
        if n == 4:
            raise TransientError("http_503")
        if n == 5:
            raise ValueError("secret")
        return n * n

    results = kernel.each(one, range(7), concurrency=4)
    assert results == [
        0, 1, 4, Fault(category="data", reason="three"), Fault(category="transient", reason="http_503"),
        Fault(category="unexpected", reason="ValueError"), 36,
    ]  # fmt: skip


def test_each_lets_a_wrong_configuration_end_the_run() -> None:
    def one(n: int) -> int:
        raise ConfigError("The token is wrong.")

    with pytest.raises(ConfigError):
        kernel.each(one, [1, 2], concurrency=2)


def test_items_threads_cannot_reach_the_database() -> None:
    results = kernel.each(lambda n: StepPart.objects.count(), [1], concurrency=2)
    assert results == [Fault(category="unexpected", reason="RuntimeError")]


def test_items_threads_know_the_context_of_the_run() -> None:
    correlation = contextvars.ContextVar("correlation", default="")
    correlation.set("abc")
    assert kernel.each(lambda n: correlation.get(), [1, 2, 3], concurrency=3) == ["abc"] * 3


def test_the_log_says_how_a_run_ended_and_by_category_and_reason_what_it_could_not_do(world: World) -> None:
    """S0-21"""
    world.judge = lambda n: (
        Fault(category="service_block", reason=f"B{n}:retired_block", reference=str(n)) if n % 2 else "done"
    )
    with structlog.testing.capture_logs() as lines:
        finish(begin())
    (ended,) = [line for line in lines if line["event"] == "run_ended"]
    assert ended["status"] == "complete"
    assert ended["outcomes"] == {"done": 5, "failed": 5}
    assert ended["failures"] == {"service_block": {"retired_block": 5}}
