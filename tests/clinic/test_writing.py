"""The write phase against a hospital: refusals, silence, and what stands in our rows afterwards."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from backoffice.runs.models import RunStatus
from backoffice.runs.report import run_report
from clinic.models import MissingServiceStatus, ServiceWrite, WriteState
from tests.clinic.ward import Ward, failures

pytestmark = pytest.mark.django_db(transaction=True)


def states(appointment: str) -> list[str]:
    rows = ServiceWrite.objects.filter(appointment_id=appointment).order_by("pk")
    return list(rows.values_list("state", flat=True))


def test_what_is_missing_is_written_and_counted(ward: Ward) -> None:
    """S0-01, S0-13, S0-19"""
    ward.visit("a", {"A1": 2})
    ward.visit("b", {"A2": 1})
    ward.bill("S-b", "b", "E1")
    ward.open()
    run = ward.recover()
    assert run.status == RunStatus.COMPLETE
    assert sorted(ward.written) == [("a", {"E1": 1, "P1": 2}), ("b", {"P2": 1})]
    report = run_report(run)
    assert report["outcomes"] == {"recovered": 2}
    assert (report["totals"]["services"], report["money"]["value"]) == (3, "220.50")
    row = ward.row("a")
    assert (row.status, row.services, row.value) == (MissingServiceStatus.CLOSED, "E1x1;P1x2", Decimal("200.00"))


@pytest.mark.slow
def test_a_second_run_writes_nothing(ward: Ward) -> None:
    """S0-22"""
    ward.visit("a", {"A1": 1})
    ward.open()
    ward.recover()
    again = ward.recover()
    assert run_report(again)["outcomes"] == {"already_billed": 1}
    assert len(ward.written) == 1


def test_a_refused_block_is_dropped_and_the_rest_written_under_a_key_of_its_own(ward: Ward) -> None:
    """S0-14, S0-15, S0-17"""
    ward.visit("a", {"A1": 1, "A2": 1})
    ward.open().hospital.faults.set("block:P1", "BLOCK_REJECTED")
    run = ward.recover()
    assert ward.written == [("a", {"E1": 1, "P2": 1})]
    assert states("a") == [WriteState.REFUSED, WriteState.WRITTEN]
    assert len(set(ward.hospital.keys_received)) == 2
    row = ward.row("a")
    assert (row.status, row.outcome, row.reasons) == ("open", "partially_recovered", "P1:BLOCK_REJECTED")
    assert (row.missing, row.at_stake, row.blocked_by) == ("P1x1", Decimal("50.00"), "block:P1")
    assert run_report(run)["money"] == {"at_stake": "50.00", "value": "120.50"}


def test_every_block_refused_is_a_failure_that_names_them(ward: Ward) -> None:
    """S0-16"""
    ward.visit("a", {"A1": 1})
    ward.open()
    ward.hospital.faults.set("block:E1", "BLOCK_NOT_VALID")
    ward.hospital.faults.set("block:P1", "BLOCK_REJECTED")
    assert failures(ward.recover()) == {"a": "service_block: E1:BLOCK_NOT_VALID;P1:BLOCK_REJECTED"}
    assert ward.written == []


def test_blocks_that_the_hospital_has_billed_meanwhile_are_no_fault(ward: Ward) -> None:
    ward.visit("a", {"A1": 1})
    ward.open()
    for code in ("E1", "P1"):
        ward.hospital.faults.set(f"block:{code}", "BLOCK_ALREADY_BILLED")
    assert run_report(ward.recover())["outcomes"] == {"already_billed": 1}


def test_one_appointment_that_is_refused_stops_no_other(ward: Ward) -> None:
    """S0-10, S0-11"""
    ward.visit("a", case_id="SHUT")
    ward.visit("b")
    ward.open()
    run = ward.recover()
    assert failures(run) == {"a": "validation: CASE_CLOSED"}
    assert ward.written == [("b", {"E1": 1})]
    assert (ward.row("a").blocked_by, ward.row("a").at_stake) == ("", Decimal("100.00"))


def test_forbidden_is_not_tried_again(ward: Ward) -> None:
    ward.visit("a")
    ward.open().hospital.faults.set("write:FORBIDDEN", 1)
    assert failures(ward.recover()) == {"a": "write_path: FORBIDDEN"}
    assert len(ward.hospital.keys_received) == 1


def test_internal_is_tried_again_under_the_same_key(ward: Ward) -> None:
    ward.visit("a")
    ward.open().hospital.faults.next("write:INTERNAL", 2)
    assert failures(ward.recover()) == {}
    assert len(ward.hospital.keys_received) == 3
    assert len(set(ward.hospital.keys_received)) == 1


def test_internal_that_stays_is_a_fault_of_the_write_path(ward: Ward) -> None:
    ward.visit("a")
    ward.open().hospital.faults.set("write:INTERNAL", 1)
    assert failures(ward.recover()) == {"a": "write_path: INTERNAL"}
    assert len(ward.hospital.keys_received) == 4


def test_a_write_whose_answer_was_lost_is_looked_up_and_counts_as_written(ward: Ward) -> None:
    """X-20"""
    ward.visit("a")
    ward.open().hospital.faults.next("drop_after_write")
    run = ward.recover()
    assert run_report(run)["outcomes"] == {"recovered": 1}
    assert len(ward.hospital.keys_received) == len(ward.written) == 1
    assert ward.hospital.calls["serviceSessionByIdempotencyKey"] == 1


def test_a_write_that_timed_out_is_looked_up_as_well(ward: Ward, settings: Settings) -> None:
    """X-20"""
    settings.HOSPITAL_TIMEOUT_SECONDS = 0.5
    ward.visit("a")
    ward.open().hospital.faults.next("slow_after_write")
    assert run_report(ward.recover())["outcomes"] == {"recovered": 1}
    assert len(ward.hospital.keys_received) == len(ward.written) == 1


def test_a_write_that_nobody_can_say_anything_of_is_unknown_and_the_next_run_settles_it_first(
    ward: Ward, settings: Settings
) -> None:
    """X-20, S0-22"""
    ward.visit("a", {"A1": 1})
    ward.open()
    ward.hospital.faults.next("drop_after_write")
    ward.hospital.faults.set("lookup:serviceSessionByIdempotencyKey", 1)
    run = ward.recover()
    assert failures(run) == {"a": "write_path: unknown"}
    assert states("a") == [WriteState.UNKNOWN]
    ward.hospital.faults.clear()
    again = ward.recover()
    assert run_report(again)["totals"]["unknown_settled"] == 1
    assert run_report(again)["outcomes"] == {"already_billed": 1}
    assert run_report(again)["totals"]["services"] == 0
    assert states("a") == [WriteState.WRITTEN]
    assert (ward.row("a").status, ward.row("a").value) == ("closed", Decimal("150.00"))
    assert run.failures.get().resolution == "fixed"
    assert len(ward.written) == 1


def test_an_unknown_write_that_was_cancelled_since_is_written_anew(ward: Ward) -> None:
    ward.visit("a")
    ward.open()
    ward.hospital.faults.next("drop_after_write")
    ward.hospital.faults.set("lookup:serviceSessionByIdempotencyKey", 1)
    ward.recover()
    ward.hospital.cancel_session(ward.hospital.sessions_written()[0].id)
    ward.hospital.faults.clear()
    assert run_report(ward.recover())["outcomes"] == {"recovered": 1}
    assert states("a") == [WriteState.REFUSED, WriteState.WRITTEN]


def test_what_a_clerk_has_cancelled_is_billed_anew_under_another_key(ward: Ward) -> None:
    ward.visit("a")
    ward.open()
    ward.recover()
    ward.hospital.cancel_session(ward.hospital.sessions_written()[0].id)
    assert run_report(ward.recover())["outcomes"] == {"recovered": 1}
    assert len(set(ward.hospital.keys_received)) == 2


def test_an_answer_whose_services_do_not_stand_is_a_failure(ward: Ward) -> None:
    ward.visit("a")
    ward.open().hospital.faults.next("cancel_session")
    run = ward.recover()
    assert failures(run) == {"a": "write_path: session_cancelled"}
    assert states("a") == [WriteState.REFUSED]


def test_quantities_that_no_visit_has_are_a_fault_of_the_appointment_and_end_no_run(ward: Ward) -> None:
    ward.visit("a", {"A1": 2_000_000_000, "A2": 2_000_000_000})
    ward.visit("b")
    ward.tables["service_configurations"].append(["T", "P1", "PERFORMED", "A2"])
    ward.open()
    run = ward.recover()
    assert run.status == RunStatus.COMPLETE
    assert failures(run) == {"a": "appointment_data: implausible_quantity"}
    assert ward.written == [("b", {"E1": 1})]
