"""The decision table, rows 11 to 13 and 16: what an answer to a write comes to."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backoffice.adapters.hospital_types import Appointment, BilledService, Session, WriteError
from clinic.recovery.answers import answered, previewed
from clinic.recovery.verdict import Decision, Destination, Dropped, Line, Plan, quantities, spelled

VISIT = Appointment("A", datetime(2026, 3, 3, tzinfo=UTC), None, "FINISHED", "T", "P", "D", None, "C", ())
E1, P1, P2 = Line("E1", 1, Decimal(100)), Line("P1", 2, Decimal("50.25")), Line("P2", 1, None)


def plan(*lines: Line, dropped: tuple[Dropped, ...] = (), case_closed: bool = False) -> Plan:
    where = Destination("C", case_closed, "CC", "PHY")
    return Plan(appointment=VISIT, destination=where, lines=lines, dropped=dropped)


def session(*codes: str, status: str = "BILLED") -> Session:
    return Session("S", "A", tuple(BilledService(code, 1, status) for code in codes))


def decided(found: Decision | Plan) -> tuple[str, str, str]:
    assert isinstance(found, Decision)
    return found.outcome, found.category, found.reasons


def test_row_16_written_with_nothing_dropped_is_recovered() -> None:
    found = answered(plan(E1, P1), session("E1", "P1"))
    assert decided(found) == ("recovered", "", "")
    assert isinstance(found, Decision)
    assert (found.value, found.at_stake, quantities(found.services)) == (Decimal("200.50"), 0, "E1x1;P1x2")


def test_row_16_written_with_blocks_dropped_is_partially_recovered() -> None:
    """S0-15, S0-17"""
    found = answered(plan(E1, dropped=(Dropped(P1, "retired_block"),)), session("E1"))
    assert decided(found) == ("partially_recovered", "service_block", "P1:retired_block")
    assert isinstance(found, Decision)
    assert (found.value, found.at_stake, found.blocked_by) == (Decimal(100), Decimal("100.50"), "block:P1")


@pytest.mark.parametrize("answer", [session("E1", status="CANCELLED"), session("P2"), session()])
def test_an_answer_whose_services_are_not_billed_is_session_cancelled(answer: Session) -> None:
    assert decided(answered(plan(E1), answer)) == ("failed", "write_path", "session_cancelled")


def test_row_11_a_block_that_is_refused_is_dropped_and_the_rest_is_left_to_write() -> None:
    """S0-14, S0-15"""
    found = answered(plan(E1, P1), (WriteError("BLOCK_REJECTED", "P1"),))
    assert isinstance(found, Plan)
    assert (quantities(found.lines), spelled(found.dropped)) == ("E1x1", "P1:BLOCK_REJECTED")


def test_row_11_a_block_that_is_billed_already_leaves_the_list_without_being_a_fault() -> None:
    found = answered(plan(E1, P1), (WriteError("BLOCK_ALREADY_BILLED", "P1"),))
    assert isinstance(found, Plan)
    assert (quantities(found.lines), found.dropped) == ("E1x1", ())


def test_row_11_all_billed_already_is_already_billed() -> None:
    errors = (WriteError("BLOCK_ALREADY_BILLED", "E1"), WriteError("BLOCK_ALREADY_BILLED", "P1"))
    assert decided(answered(plan(E1, P1), errors)) == ("already_billed", "", "")


def test_row_11_none_left_otherwise_names_the_dropped_ones_as_row_10_does() -> None:
    errors = (WriteError("BLOCK_ALREADY_BILLED", "E1"), WriteError("BLOCK_NOT_VALID", "P1"))
    found = answered(plan(E1, P1, dropped=(Dropped(P2, "unknown_block"),)), errors)
    assert decided(found) == ("failed", "service_block", "P1:BLOCK_NOT_VALID;P2:unknown_block")
    assert isinstance(found, Decision)
    assert found.at_stake == Decimal("100.50")


@pytest.mark.parametrize("code", ["CASE_CLOSED", "VALIDATION_FAILED"])
def test_row_12_refused_otherwise_is_the_code_alone_and_what_was_dropped_goes_into_the_detail(code: str) -> None:
    errors = (WriteError(code, None), WriteError("BLOCK_REJECTED", "E1"))
    found = answered(plan(E1, dropped=(Dropped(P1, "retired_block"),)), errors)
    assert decided(found) == ("failed", "validation", code)
    assert isinstance(found, Decision)
    assert (found.detail, found.at_stake) == ("P1:retired_block", Decimal("200.50"))
    assert found.blocked_by == ""


@pytest.mark.parametrize("block", [None, "P9"])
def test_row_12_a_refused_block_that_is_none_of_ours_refuses_the_whole(block: str | None) -> None:
    errors = (WriteError("BLOCK_REJECTED", block),)
    assert decided(answered(plan(E1), errors)) == ("failed", "validation", "BLOCK_REJECTED")


@pytest.mark.parametrize("code", ["FORBIDDEN", "INTERNAL"])
def test_row_13_forbidden_and_internal_are_of_the_write_path(code: str) -> None:
    assert decided(answered(plan(E1), (WriteError(code, None),))) == ("failed", "write_path", code)


def test_a_preview_knows_from_the_case_what_the_hospital_would_refuse() -> None:
    assert decided(previewed(plan(E1, case_closed=True))) == ("failed", "validation", "CASE_CLOSED")
    assert decided(previewed(plan(E1))) == ("recovered", "", "")
