"""A run that died in the middle of a chunk: its restart finds what it had written, and counts it once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from backoffice.runs.control import abandon_stale_runs
from backoffice.runs.job import Json
from backoffice.runs.models import Run, RunStatus, StepPart
from backoffice.runs.parts import claim
from backoffice.runs.report import run_report
from backoffice.runs.state import waiting_parts
from backoffice.sandbox.hospital import Hospital, write_folder
from backoffice.sandbox.hospital.folder import COLUMNS
from clinic.export import run_rows
from clinic.models import RecoveryWindow, ServiceWrite, WriteState
from clinic.recovery import windows
from clinic.recovery.judge import chunks
from clinic.recovery.prepare import prepare
from clinic.recovery.scope import open_recovery
from clinic.recovery.write import act, intend
from tests.clinic.ward import TOKEN, WEEK, Ward, failures
from tests.running import go_on, start

pytestmark = pytest.mark.django_db(transaction=True)


def die_before_the_commit(ward: Ward, **parameters: Any) -> Run:
    """A worker that has written the first chunk into the hospital and is gone before it could commit it."""
    return die(ward, parameters if "only" in parameters else WEEK | parameters)


def die(ward: Ward, parameters: Json, *, before_sending: bool = False) -> Run:
    run = start("recover_services", ward.region, **parameters)
    part = claim(waiting_parts().get(run=run).pk)
    assert part is not None
    with open_recovery(part) as recovery:
        result = prepare(recovery, next(chunks(recovery, None)))
        if before_sending:
            intend(recovery, result)
            result.intents = ()
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


@pytest.mark.slow
def test_two_open_writes_of_one_key_are_one_session_and_hold_no_later_run_up(ward: Ward) -> None:
    """X-20: a worker that dies before it sends, a look-up that is down, answers that are dropped the night after."""
    ward.visit("a")
    ward.open()
    died = die(ward, WEEK, before_sending=True)
    ward.hospital.faults.set("lookup:serviceSessionByIdempotencyKey", 1)
    go_on(died)
    ward.hospital.faults.set("drop_after_write", 1)
    ward.recover()
    assert states("a") == ["unknown", "unknown"]
    ward.hospital.faults.clear()
    assert ward.recover().status == RunStatus.COMPLETE
    assert states("a") == ["written", "not_written"]
    assert ward.row("a").status == "closed"
    assert len(ward.written) == 1


def test_a_chain_counts_its_own_write_before_an_older_unknown_one_of_the_same_key(ward: Ward) -> None:
    ward.visit("a")
    ward.open()
    died = die_before_the_commit(ward)
    older = ServiceWrite.objects.get(appointment_id="a")
    own = older.pk
    older.pk, older.state, older.run = None, WriteState.UNKNOWN, Run.objects.create(job="recover_services", key="old")
    older.save()
    assert run_report(go_on(died))["money"]["value"] == "100.00"
    assert ServiceWrite.objects.get(state=WriteState.WRITTEN).pk == own


@pytest.mark.parametrize("kind", ["blocked_by", "failures_of"])
def test_a_run_over_single_appointments_that_died_after_its_last_write_completes(ward: Ward, kind: str) -> None:
    """X-20"""
    ward.tables["cost_centers"] = []
    ward.visit("a")
    ward.visit("b")
    ward.open()
    first = ward.recover()
    ward.hospital.put("cost_centers", {"id": "CC", "department_id": "D", "active": "true"})
    only = {"blocked_by": "cost_center:D"} if kind == "blocked_by" else {"failures_of": first.pk}
    run = go_on(die_before_the_commit(ward, only=only))
    assert (run.status, run.detail) == (RunStatus.COMPLETE, "")
    assert run_report(run)["outcomes"] == {"recovered": 2}
    assert len(ward.written) == 2


@pytest.mark.parametrize(
    ("id_before", "outcome", "state"), [("S-before", "recovered", "written"), ("", "already_billed", "not_written")]
)
def test_a_hospital_that_has_lost_its_sessions_is_billed_anew_and_each_session_is_recorded_once(
    ward: Ward, id_before: str, outcome: str, state: str
) -> None:
    """A hospital restored from a backup makes a session of another id, or one of the id that we know."""
    ward.visit("a")
    ward.open()
    ward.recover()
    if id_before:
        ServiceWrite.objects.update(session_id=id_before)
    ward.hospital.stop()
    write_folder(ward.folder.with_name("restored"), ward.tables)
    ward.hospital = Hospital(ward.folder.with_name("restored"), token=TOKEN).start()
    ward.region.env_vars = {"HOSPITAL_GRAPHQL_URL": ward.hospital.url, "HOSPITAL_API_TOKEN": TOKEN}
    ward.region.save()
    run = ward.recover()
    assert (run.status, run_report(run)["outcomes"]) == (RunStatus.COMPLETE, {outcome: 1})
    assert states("a") == ["written", state]
    assert len(ward.written) == 1


def test_a_visit_that_moves_to_a_later_page_during_the_run_is_counted_once(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        ward.visit(f"v{number}")
    ward.open(concurrency_per_run=2)
    read = windows._sessions

    def move_first(recovery: Any, appointments: Any) -> Any:
        answer = read(recovery, appointments)
        if appointments and appointments[0].id == "v0":
            columns = COLUMNS["appointments"]
            moved = dict(zip(columns, ward.tables["appointments"][0], strict=True)) | {"start": "2026-03-03T23:59:00Z"}
            ward.hospital.put("appointments", moved)
        return answer

    monkeypatch.setattr(windows, "_sessions", move_first)
    run = ward.recover(chunk=1)
    assert (run.status, run_report(run)["outcomes"]["recovered"]) == (RunStatus.COMPLETE, 8)
    assert len(ward.written) == 8
    assert ServiceWrite.objects.filter(state=WriteState.WRITTEN).count() == 8
