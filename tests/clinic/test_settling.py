"""A run that died in the middle of a chunk: its restart finds what it had written, and counts it once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from backoffice.runs.control import abandon_stale_runs, start_run
from backoffice.runs.models import Run, RunStatus, StepPart
from backoffice.runs.parts import claim
from backoffice.runs.report import run_report
from backoffice.runs.state import waiting_parts
from clinic.export import run_rows
from clinic.models import RecoveryWindow, ServiceWrite, WriteState
from clinic.recovery.judge import chunks
from clinic.recovery.prepare import prepare
from clinic.recovery.scope import open_recovery
from clinic.recovery.write import act, intend
from tests.clinic.ward import WEEK, Ward, failures, go_on

pytestmark = pytest.mark.django_db(transaction=True)


def die_before_the_commit(ward: Ward, **parameters: Any) -> Run:
    """A worker that has written the first chunk into the hospital and is gone before it could commit it."""
    run = start_run("recover_services", region=ward.region, parameters=WEEK | parameters, attended=True)
    part = claim(waiting_parts().get(run=run).pk)
    assert part is not None
    with open_recovery(part) as recovery:
        result = prepare(recovery, next(chunks(recovery, None)))
        while result.intents:
            intend(recovery, result)
            result = act(recovery, result)
    StepPart.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    Run.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert abandon_stale_runs() == 1
    run.refresh_from_db()
    return run


def states(appointment: str) -> list[str]:
    rows = ServiceWrite.objects.filter(appointment_id=appointment).order_by("pk")
    return list(rows.values_list("state", flat=True))


def test_what_was_written_counts_as_written_by_this_chain_and_is_not_read_again(ward: Ward) -> None:
    """X-20, S0-22"""
    ward.visit("a", {"A1": 1})
    ward.visit("b", case_id="SHUT")
    ward.visit("c", type_code="X")
    ward.open()
    run = go_on(die_before_the_commit(ward))
    assert run.status == RunStatus.COMPLETE
    report = run_report(run)
    assert (report["read"], report["outcomes"]) == (3, {"failed": 2, "recovered": 1})
    assert (report["totals"]["services"], report["money"]["value"]) == (2, "150.00")
    assert len(ward.written) == 1
    assert [(row[0], row[2]) for row in run_rows(run)] == [("a", "recovered"), ("b", "failed"), ("c", "failed")]
    window = RecoveryWindow.objects.get(chain=run.chain)
    assert (window.scanned, window.services, window.value, window.complete) == (3, 2, Decimal("150.00"), True)


def test_what_was_left_after_refused_blocks_is_counted_with_its_own_reasons(ward: Ward) -> None:
    ward.visit("a", {"A1": 1, "A2": 1})
    ward.open().hospital.faults.set("block:P1", "BLOCK_REJECTED")
    run = go_on(die_before_the_commit(ward))
    assert run_report(run)["outcomes"] == {"partially_recovered": 1}
    assert ward.row("a").reasons == "P1:BLOCK_REJECTED"
    assert states("a") == [WriteState.REFUSED, WriteState.WRITTEN]


def test_what_was_not_written_is_read_again_with_its_chunk(ward: Ward) -> None:
    ward.visit("a", case_id="SHUT")
    ward.open()
    run = die_before_the_commit(ward)
    ward.hospital.put("cases", {"id": "SHUT", "patient_id": "P", "type": "OUTPATIENT", "status": "OPEN"})
    run = go_on(run)
    assert run_report(run)["outcomes"] == {"recovered": 1}
    assert states("a") == [WriteState.NOT_WRITTEN, WriteState.WRITTEN]


def test_what_was_cancelled_meanwhile_is_read_again_and_written_under_another_key(ward: Ward) -> None:
    ward.visit("a")
    ward.open()
    run = die_before_the_commit(ward)
    ward.hospital.cancel_session(ward.hospital.sessions_written()[0].id)
    assert run_report(go_on(run))["outcomes"] == {"recovered": 1}
    assert states("a") == [WriteState.REFUSED, WriteState.WRITTEN]


def test_an_intent_that_nobody_can_say_anything_of_is_unknown_and_settled_by_the_run_after(ward: Ward) -> None:
    """X-20"""
    ward.visit("a")
    ward.open()
    run = die_before_the_commit(ward)
    ward.hospital.faults.set("lookup:serviceSessionByIdempotencyKey", 1)
    run = go_on(run)
    assert failures(run) == {"a": "write_path: unknown"}
    assert run_report(run)["read"] == 1
    assert states("a") == [WriteState.UNKNOWN]
    ward.hospital.faults.clear()
    assert run_report(ward.recover())["totals"]["unknown_settled"] == 1
    assert states("a") == [WriteState.WRITTEN]


def test_a_run_that_begins_again_settles_what_a_dead_one_has_left(ward: Ward) -> None:
    ward.visit("a")
    ward.open()
    dead = die_before_the_commit(ward)
    fresh = ward.recover()
    assert run_report(fresh)["outcomes"] == {"already_billed": 1}
    assert run_report(fresh)["totals"]["unknown_settled"] == 1
    assert run_report(go_on(dead))["outcomes"] == {"already_billed": 1}
    assert states("a") == [WriteState.WRITTEN]


def test_a_key_that_another_run_has_written_since_is_not_counted_twice(ward: Ward) -> None:
    ward.visit("a")
    ward.open()
    dead = die_before_the_commit(ward)
    mine = ServiceWrite.objects.get()
    other = ward.recover()
    # As if the other run had sent the key itself, before anybody looked it up.
    ServiceWrite.objects.update(state=WriteState.WRITTEN, run=other, late=True)
    mine.pk, mine._state.adding, mine.state = None, True, WriteState.INTENDED
    mine.save()
    again = go_on(dead)
    assert run_report(again)["outcomes"] == {"already_billed": 1}
    assert sorted(states("a")) == [WriteState.NOT_WRITTEN, WriteState.WRITTEN]


def test_a_preview_leaves_the_open_writes_of_others_alone(ward: Ward) -> None:
    ward.visit("a")
    ward.open()
    die_before_the_commit(ward)
    ward.recover(mode="preview")
    assert states("a") == [WriteState.INTENDED]
