"""Row 14: a write that nobody answered. Here the network's edge is a hospital that answers as it is told."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from backoffice.adapters.hospital import Hospital
from backoffice.adapters.hospital_types import (
    Appointment,
    BilledService,
    HospitalUnavailable,
    Session,
    WriteUnanswered,
)
from clinic.models import ServiceWrite, WriteState
from clinic.recovery import write
from clinic.recovery.verdict import Decision, Destination, Line, Plan
from clinic.recovery.work import Draft

VISIT = Appointment("A", datetime(2026, 3, 3, tzinfo=UTC), None, "FINISHED", "T", "P", "D", None, "C", ())
PLAN = Plan(appointment=VISIT, destination=Destination("C", False, "CC", "PHY"), lines=(Line("E1", 1, Decimal(100)),))
SESSION = Session("S", "A", (BilledService("E1", 1, "BILLED"),))


class Told:
    """Answers writes and look-ups from two lists; an exception is raised. `asked` is what came, in order."""

    def __init__(self, writes: list[Any], look_ups: list[Any]) -> None:
        self.writes, self.look_ups = writes, look_ups
        self.asked: list[str] = []

    def create_session(self, *, key: str, **_: Any) -> Any:
        self.asked.append(f"write {key}")
        return self._say(self.writes)

    def session_by_key(self, key: str) -> Any:
        self.asked.append(f"look up {key}")
        return self._say(self.look_ups)

    def _say(self, answers: list[Any]) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Callable[[Told], tuple[str, str]]:
    """Send one write; (category: reason or outcome, state of its row)."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def send_to(told: Told) -> tuple[str, str]:
        sent = write.send(cast(Hospital, told), Draft(plan=PLAN, window=0, row=ServiceWrite(idempotency_key="k")))
        assert isinstance(sent.found, Decision)
        category = sent.found.category
        return f"{category}: {sent.found.reasons}" if category else sent.found.outcome, sent.state

    return send_to


def test_what_the_key_is_found_to_have_created_counts_as_written(send: Callable[[Told], tuple[str, str]]) -> None:
    """X-20"""
    told = Told([WriteUnanswered()], [SESSION])
    assert send(told) == ("recovered", WriteState.WRITTEN)
    assert told.asked == ["write k", "look up k"]


def test_what_is_not_found_is_sent_once_more_with_the_same_key(send: Callable[[Told], tuple[str, str]]) -> None:
    """X-20"""
    told = Told([WriteUnanswered(), SESSION], [None])
    assert send(told) == ("recovered", WriteState.WRITTEN)
    assert told.asked == ["write k", "look up k", "write k"]


def test_a_look_up_that_fails_leaves_the_write_unknown_and_nothing_is_sent_again(
    send: Callable[[Told], tuple[str, str]],
) -> None:
    """X-20"""
    told = Told([WriteUnanswered()], [HospitalUnavailable("connection")])
    assert send(told) == ("write_path: unknown", WriteState.UNKNOWN)
    assert told.asked == ["write k", "look up k"]


def test_a_hospital_that_is_silent_for_long_is_asked_once_more_only(
    send: Callable[[Told], tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "PATIENCE", -1.0)
    told = Told([WriteUnanswered(), WriteUnanswered()], [None, None])
    assert send(told) == ("write_path: unknown", WriteState.UNKNOWN)
    assert told.asked == ["write k", "look up k", "write k", "look up k"]


def test_a_connection_that_breaks_at_once_gets_the_three_retries_each_after_a_look_up(
    send: Callable[[Told], tuple[str, str]],
) -> None:
    told = Told([WriteUnanswered(), WriteUnanswered(), WriteUnanswered(), SESSION], [None, None, None])
    assert send(told) == ("recovered", WriteState.WRITTEN)
    assert told.asked == ["write k", *["look up k", "write k"] * 3]


def test_a_write_that_certainly_never_arrived_says_why(send: Callable[[Told], tuple[str, str]]) -> None:
    told = Told([HospitalUnavailable("http_503")], [])
    assert send(told) == ("write_path: http_503", WriteState.NOT_WRITTEN)
