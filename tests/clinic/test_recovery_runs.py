"""What a run reads and what it leaves in the worklist: windows, previews, dismissals, single appointments."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.adapters.hospital import Hospital as ApiHospital
from backoffice.runs.models import Failure, Run, RunStatus, StepPart
from backoffice.runs.report import run_report
from backoffice.sandbox.hospital.folder import COLUMNS
from clinic.models import MissingService, RecoveryWindow, ServiceWrite, UnsupportedService, WriteState
from clinic.recovery import balance
from clinic.recovery.scope import open_recovery
from clinic.worklist import dismiss
from tests.clinic.ward import Ward, failures
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def rows(ward: Ward, *appointments: str) -> Any:
    return MissingService.objects.filter(region=ward.region, appointment_id__in=appointments)


def test_each_window_is_listed_at_least_once_and_balances_in_itself(ward: Ward) -> None:
    """S0-02, S0-03"""
    ward.visit("a", start="2026-03-02T06:00:00Z")
    ward.visit("b", start="2026-03-05T12:00:00Z", status="NOSHOW")
    ward.visit("c", start="2026-03-05T13:00:00Z")
    ward.open()
    run = ward.recover(window=3)
    assert ward.hospital.calls["appointments"] == 3
    windows = RecoveryWindow.objects.filter(chain=run.chain)
    assert [(one.scanned, one.outcomes, one.complete) for one in windows] == [
        (1, {"recovered": 1}, True),
        (2, {"not_billable": 1, "recovered": 1}, True),
        (0, {}, True),
    ]
    assert windows[0].ends == windows[1].begins


def test_both_ends_are_midnight_of_the_region_on_the_days_when_its_clock_is_set(ward: Ward) -> None:
    ward.visit("before", start="2026-03-08T05:59:59Z")
    ward.visit("first", start="2026-03-08T06:00:00Z")
    ward.visit("last", start="2026-03-09T04:59:59Z")
    ward.visit("after", start="2026-03-09T05:00:00Z")
    ward.open(time_zone="America/Chicago")
    ward.recover(**{"from": "2026-03-08", "to": "2026-03-09"})
    assert sorted(appointment for appointment, _ in ward.written) == ["first", "last"]


def test_a_page_is_a_chunk_and_nothing_is_skipped_between_pages(ward: Ward) -> None:
    """S0-04, S0-18"""
    for number in range(7):
        ward.visit(f"a{number}", start="2026-03-03T08:00:00Z")
    ward.open()
    run = ward.recover(chunk=3)
    assert StepPart.objects.get(run=run).checkpoint_number == 3
    assert run_report(run)["outcomes"] == {"recovered": 7}
    assert ward.hospital.calls["serviceSessions"] == 3


@pytest.mark.parametrize("allowed", [1, 3])
def test_reading_ahead_and_writing_together_keep_to_the_calls_that_the_region_allows_at_once(
    ward: Ward, allowed: int
) -> None:
    for number in range(24):
        ward.visit(f"a{number}", {"A1": 1})
    ward.open(concurrency_per_run=allowed).hospital.latency_ms = 5
    assert run_report(ward.recover(chunk=4))["outcomes"] == {"recovered": 24}
    assert ward.hospital.max_in_flight == allowed


def test_the_rows_of_a_chunk_take_the_same_number_of_queries_whatever_its_size(ward: Ward) -> None:
    """S0-04"""
    for number in range(30):
        ward.visit(f"a{number}", {"A1": 1}, case_id="SHUT" if number % 3 else "C")
    ward.open()
    taken = {}
    for size in (3, 30):
        ServiceWrite.objects.all().delete()
        MissingService.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            ward.recover(chunk=size, mode="preview")
        taken[size] = len(queries)
    chunks = {3: 10, 30: 1}
    assert (taken[3] - taken[30]) / (chunks[3] - chunks[30]) <= 12
    assert taken[30] <= 65


def test_a_preview_says_what_would_be_written_and_a_writing_run_replaces_it(ward: Ward) -> None:
    ward.visit("a", {"A1": 1})
    ward.visit("b", case_id="SHUT")
    ward.open()
    preview = ward.recover(mode="preview")
    assert ward.hospital.calls["createServiceSession"] == 0
    assert failures(preview) == {"b": "validation: CASE_CLOSED"}
    found = ward.row("a")
    assert (found.status, found.outcome, found.services, found.value) == ("found", "recovered", "E1x1;P1x1", 150)
    assert (found.missing, found.at_stake) == ("E1x1;P1x1", 150)
    assert ServiceWrite.objects.get().state == WriteState.PREVIEWED
    run = ward.recover()
    assert run_report(preview)["outcomes"] == run_report(run)["outcomes"]
    assert run_report(preview)["money"] == run_report(run)["money"]
    assert (ward.row("a").status, ward.row("b").status) == ("closed", "open")


def test_a_preview_changes_nothing_that_a_writing_run_or_a_person_has_said(ward: Ward) -> None:
    ward.visit("a", case_id="SHUT")
    ward.visit("b", case_id="SHUT")
    ward.open()
    ward.recover()
    dismiss(rows(ward, "b"), None, "not worth it")
    ward.recover(mode="preview")
    assert (ward.row("a").status, ward.row("b").status) == ("open", "dismissed")
    assert Failure.objects.filter(resolution="open").count() == 2


def test_a_later_run_closes_what_it_finds_billed_with_the_failures_before(ward: Ward) -> None:
    ward.visit("a", case_id="SHUT")
    ward.open()
    first = ward.recover()
    ward.hospital.put("cases", {"id": "SHUT", "patient_id": "P", "type": "OUTPATIENT", "status": "OPEN"})
    ward.recover(mode="preview")
    assert first.failures.get().resolution == "open"
    ward.recover()
    row = ward.row("a")
    assert (row.status, row.outcome, row.at_stake, row.blocked_by) == ("closed", "recovered", 0, "")
    assert {failure.resolution for failure in Failure.objects.all()} == {"fixed"}


def test_a_failure_stays_open_while_a_part_of_its_appointment_is_still_missing(ward: Ward) -> None:
    ward.visit("a", {"A1": 1}, case_id="SHUT")
    ward.tables["service_blocks"][1][2] = "RETIRED"
    ward.open()
    failed = ward.recover().failures.get()
    ward.hospital.put("cases", {"id": "SHUT", "patient_id": "P", "type": "OUTPATIENT", "status": "OPEN"})
    ward.recover()
    failed.refresh_from_db()
    assert (ward.row("a").outcome, ward.row("a").missing) == ("partially_recovered", "P1x1")
    assert failed.resolution == "open"


def test_an_expired_dismissal_counts_again_after_any_run_of_the_region(ward: Ward) -> None:
    ward.visit("a", case_id="SHUT")
    ward.open()
    failure = ward.recover().failures.get()
    dismiss(rows(ward, "a"), None, "later", until=timezone.localdate())
    MissingService.objects.update(dismissed_until=timezone.localdate() - timedelta(days=2))
    ward.recover(days=1)  # does not read the appointment
    failure.refresh_from_db()
    assert (ward.row("a").status, ward.row("a").dismissed_until, failure.resolution) == ("open", None, "open")


def test_windows_are_listed_in_the_order_of_their_days(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """S0-03"""
    ward.visit("a")
    ward.open()
    listed = []
    listing = ApiHospital.appointments

    def noted(hospital: ApiHospital, begins: Any, *rest: Any) -> Any:
        listed.append(begins)
        return listing(hospital, begins, *rest)

    monkeypatch.setattr(ApiHospital, "appointments", noted)
    ward.recover(window=1)
    assert len(listed) == 7
    assert listed == sorted(listed)


def test_a_preview_keeps_the_exact_mutation(ward: Ward) -> None:
    ward.visit("a")
    ward.open()
    ward.recover(mode="preview")
    assert ServiceWrite.objects.get().appointment["destination"] == ["C", False, "CC", "PHY"]


def test_a_row_whose_visit_is_no_longer_billable_closes_by_itself(ward: Ward) -> None:
    ward.visit("a", case_id="SHUT")
    ward.open()
    ward.recover()
    visit = dict(zip(COLUMNS["appointments"], ward.tables["appointments"][0], strict=True))
    ward.hospital.put("appointments", visit | {"status": "NOSHOW"})
    ward.recover()
    assert (ward.row("a").status, ward.row("a").outcome) == ("closed", "not_billable")


def test_a_later_run_keeps_what_people_have_said_of_a_row(ward: Ward) -> None:
    ward.visit("a", case_id="SHUT")
    ward.open()
    ward.recover()
    somebody = UserFactory.create()
    seen = timezone.now() - timedelta(days=30)
    rows(ward, "a").update(assignee=somebody, note="asked the ward", first_seen_at=seen)
    again = ward.recover()
    row = ward.row("a")
    assert (row.assignee, row.note, row.first_seen_at, row.run) == (somebody, "asked the ward", seen, again)


def test_what_is_dismissed_is_not_written_until_the_dismissal_has_expired(ward: Ward) -> None:
    ward.visit("a", department_id="NEW")
    ward.open()
    ward.recover()
    dismiss(rows(ward, "a"), None, "under discussion", timezone.localdate() + timedelta(days=5))
    ward.hospital.put("cost_centers", {"id": "CC2", "department_id": "NEW", "active": "true"})
    ward.hospital.put("responsible_physicians", {"department_id": "NEW", "physician_id": "PHY"})
    assert run_report(ward.recover())["outcomes"] == {"dismissed": 1}
    assert ward.row("a").status == "dismissed"
    rows(ward, "a").update(dismissed_until=timezone.localdate() - timedelta(days=2))
    assert run_report(ward.recover())["outcomes"] == {"recovered": 1}


def test_single_rows_are_read_again_by_their_second_and_no_other_appointment(ward: Ward) -> None:
    for name in ("a", "b", "c"):
        ward.visit(name, start="2026-03-03T08:00:00Z", case_id="SHUT")
    ward.open()
    ward.recover()
    ward.hospital.put("cases", {"id": "SHUT", "patient_id": "P", "type": "OUTPATIENT", "status": "OPEN"})
    run = ward.recover(only={"rows": [ward.row("c").pk, ward.row("a").pk]})
    assert run_report(run)["outcomes"] == {"recovered": 2}
    assert sorted(appointment for appointment, _ in ward.written) == ["a", "c"]
    assert ward.row("b").status == "open"


@pytest.mark.slow
def test_only_the_failures_of_a_run_are_read_again_in_chunks(ward: Ward) -> None:
    for number in range(5):
        ward.visit(f"a{number}", case_id="SHUT")
    ward.visit("b")
    ward.open()
    run = ward.recover()
    ward.hospital.put("cases", {"id": "SHUT", "patient_id": "P", "type": "OUTPATIENT", "status": "OPEN"})
    again = ward.recover(only={"failures_of": run.pk}, chunk=2)
    assert run_report(again)["outcomes"] == {"recovered": 5}
    assert StepPart.objects.get(run=again).label == "window 3 of 3"
    assert RecoveryWindow.objects.filter(chain=again.chain).count() == 3


def test_fixing_one_record_recovers_all_that_it_held_up(ward: Ward) -> None:
    for number in range(3):
        ward.visit(f"a{number}", department_id="NEW")
    ward.visit("b", case_id="SHUT")
    ward.open()
    ward.recover()
    ward.hospital.put("cost_centers", {"id": "CC2", "department_id": "NEW", "active": "true"})
    ward.hospital.put("responsible_physicians", {"department_id": "NEW", "physician_id": "PHY"})
    run = ward.recover(only={"blocked_by": "cost_center:NEW"})
    assert run_report(run)["outcomes"] == {"recovered": 3}


def test_a_single_appointment_that_is_no_longer_there_is_a_failure_that_says_so(ward: Ward) -> None:
    ward.visit("a", case_id="SHUT")
    ward.open()
    ward.recover()
    rows(ward, "a").update(appointment_id="gone")
    run = ward.recover(only={"rows": [ward.row("gone").pk]})
    assert failures(run) == {"gone": "appointment_data: appointment_not_found"}


def test_billed_services_that_nothing_supports_are_listed_and_closed_when_they_are_gone(ward: Ward) -> None:
    ward.visit("a", {"A1": 1})
    for code in ("E1", "P1", "P2", "X"):
        ward.bill("S-a", "a", code)
    ward.visit("b", status="CANCELLED")
    ward.bill("S-b", "b", "E1")
    ward.visit("c", status="BOOKED")
    ward.bill("S-c", "c", "E1")
    ward.open()
    run = ward.recover()
    assert set(UnsupportedService.objects.values_list("appointment_id", "block_code", "reason")) == {
        ("a", "P2", "not_performed"),
        ("a", "X", "no_rule"),
        ("b", "E1", "visit_not_finished"),
    }
    assert run_report(run)["totals"]["unsupported"] == 3
    ward.hospital.cancel_session("S-b")
    ward.recover()
    assert UnsupportedService.objects.get(appointment_id="b").closed
    assert UnsupportedService.objects.filter(closed=False).count() == 2


def test_a_run_that_does_not_balance_fails_and_names_the_number(ward: Ward) -> None:
    ward.visit("a")
    ward.open()
    run = ward.recover()
    ServiceWrite.objects.update(value=Decimal("99.00"))
    part = StepPart.objects.get(run=run)
    with open_recovery(part) as recovery, pytest.raises(Exception, match=r"value of window 1: 100.00 counted, 99.00"):
        balance.verify(recovery)


def test_a_wrong_token_ends_the_run_before_anything_is_read(ward: Ward) -> None:
    ward.visit("a")
    ward.open()
    ward.hospital.token = "another"
    run = ward.recover()
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert "401" in run.detail
    assert run_report(run)["read"] == 0


def test_the_filing_deadline_is_counted_from_the_day_of_the_visit_in_the_region(ward: Ward) -> None:
    ward.visit("a", start="2026-03-03T05:30:00Z", case_id="SHUT")
    ward.open(time_zone="America/Chicago", filing_days=90)
    ward.recover()
    assert ward.row("a").filing_deadline == date(2026, 3, 2) + timedelta(days=90)


def test_two_regions_do_not_see_each_others_rows(ward: Ward) -> None:
    ward.visit("a", case_id="SHUT")
    ward.open()
    ward.recover()
    other = ward.region
    ward.region = type(other).objects.create(
        name="other", display_name="Other", time_zone="America/Chicago", env_vars=other.env_vars
    )
    dismiss(MissingService.objects.filter(region=other), None, "there only")
    assert run_report(ward.recover())["outcomes"] == {"failed": 1}
    assert Run.objects.filter(region=other).count() == 1
