"""Coverage, checked against the sandbox pVerify: once a month each, paid for once, word for word.

Contract S3-03, S3-04, S3-05, S3-19, S3-22, X-17.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.runs.control import start_run
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Failure, Run
from clinic.booking.book import book
from clinic.care.eligibility import asking
from clinic.care.eligibility.deciding import ask_again
from clinic.care.eligibility.register import register
from clinic.care.models import AppointmentComment, EligibilityInformation, EligibilityReport, EligibilitySpend
from clinic.patients.register import register as change
from regions.models import Region
from tests.booking.world import FRONT_DESK, MONDAY, NOW, PatientFactory, make_clinic
from tests.care.world import Peer, check, insured, outcomes
from tests.factories import RegionFactory
from tests.outside.conftest import order
from tests.running import go_on

pytestmark = pytest.mark.django_db(transaction=True)


def report_of(information: EligibilityInformation) -> EligibilityReport:
    return EligibilityReport.objects.get(patient=information.patient_id)


def spent(region: Region) -> int:
    return EligibilitySpend.objects.get(region=region).calls


def test_each_active_record_is_asked_about_once_a_month(north: Region, peer: Peer) -> None:
    """[S3-04] [S3-19]"""
    first, second = insured(north), insured(north, "INACTIVE-2")
    gone = insured(north, "W3")
    EligibilityInformation.objects.filter(pk=gone.pk).update(active=False)
    insured(RegionFactory.create())
    run = check(north)
    assert (run.status, outcomes(run)) == ("complete", {"processed": 2})
    assert (report_of(first).coverage, report_of(second).coverage) == ("active", "inactive")
    first.refresh_from_db()
    assert first.status == "active"
    assert report_of(first).answer["document"]["PlanCoverageSummary"]["PlanName"] == "Open Choice PPO"
    assert outcomes(check(north)) == {"already_reported": 2}
    assert (peer.vendor.billed, spent(north)) == (2, 2)
    with pytest.raises(IntegrityError), transaction.atomic():
        EligibilityReport.objects.create(
            region=north, patient=first.patient, information=first, run=run, month=report_of(first).month
        )


def test_the_month_is_the_regions(north: Region, peer: Peer) -> None:
    """In Chicago it is still March while it is April in UTC."""
    insured(north)
    with time_machine.travel(datetime(2026, 4, 1, 3, tzinfo=UTC), tick=True):
        check(north)
    assert EligibilityReport.objects.get().month.isoformat() == "2026-03-01"
    with time_machine.travel(datetime(2026, 4, 1, 6, tzinfo=UTC), tick=True):
        assert outcomes(check(north)) == {"processed": 1}
    assert peer.vendor.inquiries[1]["Date_Of_Service"] == "04/01/2026"


def test_a_report_says_so_at_the_next_appointment(north: Region) -> None:
    """[S3-05]"""
    with time_machine.travel(NOW, tick=True):
        clinic = make_clinic(north)
        insured(north, "INACTIVE-1", clinic.patient)
        appointment = book(clinic.wish(MONDAY), FRONT_DESK)
        book(clinic.wish(MONDAY + timedelta(hours=1)), FRONT_DESK)
        check(north)
        check(north)
    comment = AppointmentComment.objects.get()
    assert comment.appointment == appointment
    assert comment.text.startswith("Insurance inactive (2026-03-01")
    assert "Open Choice PPO" not in str(comment)


def test_a_rejection_is_kept_word_for_word_and_blocks_until_it_is_corrected(north: Region, peer: Peer) -> None:
    """[X-17]"""
    information = insured(north, "REJECTED-1")
    run = check(north)
    assert (run.status, outcomes(run)) == ("complete", {"rejected": 1})
    assert report_of(information).answer["payer_message"] == "Subscriber/Insured Not Found"
    assert Failure.objects.get(run=run).reason == "code_1"
    assert outcomes(check(north)) == {"already_reported": 1}
    register(information.patient, {"member_id": "W-corrected"})
    assert outcomes(check(north)) == {"processed": 1}
    report = report_of(information)
    assert (report.calls, peer.vendor.billed, spent(north)) == (2, 2, 2)
    assert report.answer["earlier"][0]["follow_up"] == "Please Correct and Resubmit"


def test_who_has_no_birth_date_or_family_name_costs_nothing(north: Region, peer: Peer) -> None:
    """[X-17] [S3-19] Skipped, counted and listed once with what is lacking; asked about once it is known."""
    lacking: tuple[dict[str, str], ...] = (
        {"birth_date": ""},
        {"family_name": " "},
        {"birth_date": "", "family_name": ""},
    )
    records = [insured(north, patient=PatientFactory.create(region=north, **fields)) for fields in lacking]
    insured(north)
    assert outcomes(check(north)) == {"incomplete": 3, "processed": 1}
    assert (peer.vendor.billed, spent(north), EligibilityReport.objects.count()) == (1, 1, 1)
    assert outcomes(check(north)) == {"incomplete": 3, "already_reported": 1}
    listed = Failure.objects.order_by("pk").values_list("reference", "category", "reason")
    assert list(listed) == [
        (str(record), "input", reason)
        for record, reason in zip(
            records, ("no_birth_date", "no_family_name", "no_birth_date;no_family_name"), strict=True
        )
    ]
    change(north, records[0].patient.external_id, {"birth_date": "1990-05-01"})
    assert outcomes(check(north)) == {"processed": 1, "incomplete": 2, "already_reported": 1}
    assert (peer.vendor.billed, spent(north)) == (2, 2)


def test_only_a_correction_of_what_the_payer_was_told_asks_again(north: Region, peer: Peer) -> None:
    """[X-17] What the payer never sees costs nothing."""
    information = insured(north, "REJECTED-1")
    check(north)
    for values in ({"phone": "+13125550199"}, {"language": "es"}, {"email": "a@example.org", "time_zone": "UTC"}):
        change(north, information.patient.external_id, values)
        assert outcomes(check(north)) == {"already_reported": 1}
    change(north, information.patient.external_id, {"birth_date": "1990-05-01"})
    assert outcomes(check(north)) == {"rejected": 1}
    assert outcomes(check(north)) == {"already_reported": 1}
    assert (peer.vendor.billed, spent(north)) == (2, 2)


def test_what_is_pending_is_polled_by_its_number_and_never_posted_again(north: Region, peer: Peer) -> None:
    """[X-17]"""
    information = insured(north, "PENDING-1")
    assert outcomes(check(north)) == {"pending": 1}
    assert outcomes(check(north)) == {"pending": 1, "already_reported": 1}
    order(peer, pending_polls=0)
    for _ in range(2):
        check(north)
    report = report_of(information)
    assert (report.state, report.coverage, report.request_id) == ("processed", "active", 900_001)
    assert (peer.vendor.billed, len(peer.vendor.inquiries)) == (1, 1)


def test_what_is_pending_over_the_end_of_the_month_is_still_polled(north: Region, peer: Peer) -> None:
    insured(north, "PENDING-1")
    order(peer, pending_polls=0)
    with time_machine.travel(datetime(2026, 3, 31, 12, tzinfo=UTC), tick=True):
        check(north)
    with time_machine.travel(datetime(2026, 4, 1, 18, tzinfo=UTC), tick=True):
        assert outcomes(check(north)) == {"processed": 1, "pending": 1}


@pytest.mark.parametrize("fault", ["drop_after", "http500"])
def test_a_call_without_an_answer_is_not_made_again_by_itself(fault: str, north: Region, peer: Peer) -> None:
    """[X-17]"""
    information = insured(north)
    order(peer, next={fault: 1})
    assert outcomes(check(north)) == {"unknown": 1}
    asked = len(peer.vendor.inquiries)
    assert outcomes(check(north)) == {"undecided": 1}
    assert (len(peer.vendor.inquiries), spent(north)) == (asked, 1)
    assert ask_again(report_of(information))
    assert not ask_again(report_of(information))
    assert outcomes(check(north)) == {"processed": 1}
    assert (report_of(information).calls, spent(north)) == (2, 2)


def test_what_was_certainly_not_taken_is_tried_again_and_costs_nothing(
    north: Region, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "pause_before", lambda *told: 0.0)
    information = insured(north)
    order(peer, next={"http429": 3})
    assert outcomes(check(north)) == {"not_asked": 1}
    assert (report_of(information).state, spent(north)) == ("open", 0)
    order(peer, next={"http429": 2})
    assert outcomes(check(north)) == {"processed": 1}
    assert (peer.vendor.billed, spent(north)) == (1, 1)


def test_no_funds_end_the_run_after_what_came_before_is_kept(north: Region, peer: Peer) -> None:
    records = [insured(north, f"W{number}") for number in range(9)]
    order(peer, funds=2)
    run = check(north)
    assert (run.status, run.reason) == ("failed", "configuration")
    assert "no funds" in run.detail
    assert outcomes(run) == {"processed": 2, "no_funds": 2}
    assert spent(north) == 2
    order(peer, funds=None)
    again = go_on(run)
    assert again.status == "complete"
    assert EligibilityReport.objects.filter(state="processed").count() == len(records) == peer.vendor.billed


def test_a_refused_account_ends_the_run(north: Region, peer: Peer) -> None:
    north.env_vars = {**north.env_vars, "PVERIFY_CLIENT_SECRET": "another"}
    north.save()
    insured(north)
    run = check(north)
    assert (run.status, "PVERIFY_CLIENT_SECRET" in run.detail, peer.vendor.billed) == ("failed", True, 0)


def test_the_cap_holds(north: Region, peer: Peer, settings: Any) -> None:
    settings.ELIGIBILITY_CALLS_PER_MONTH = 3
    for number in range(5):
        insured(north, f"W{number}")
    run = check(north)
    assert (run.status, outcomes(run)) == ("complete", {"processed": 3, "capped": 2})
    assert peer.vendor.billed == 3
    EligibilitySpend.objects.update(cap=4)
    assert outcomes(check(north)) == {"already_reported": 3, "processed": 1, "capped": 1}


def test_a_call_in_the_hands_of_a_worker_that_died_is_perhaps_made(north: Region, peer: Peer) -> None:
    information = insured(north)
    died = start_run("check_eligibility", region=north, parameters={}, attended=True)
    live = EligibilityReport.objects.create(
        region=north, patient=information.patient, information=information, run=died, month=asking_month(north)
    )
    only = insured(north, "W2")
    check(north, only=[only.pk])
    live.refresh_from_db()
    assert live.state == "asked"  # its run is live: somebody is at it
    Run.objects.filter(pk=died.pk).update(status="abandoned")
    assert outcomes(check(north)) == {"undecided": 1, "already_reported": 1}
    live.refresh_from_db()
    assert (live.state, live.code, peer.vendor.billed) == ("unknown", "worker_died", 1)


def asking_month(region: Region) -> Any:
    return timezone.now().astimezone(region.zone).date().replace(day=1)


def test_the_intent_is_written_before_the_call(north: Region, peer: Peer) -> None:
    """When the peer is asked, the report and the money stand in the database."""
    insured(north)
    seen: list[tuple[str, int]] = []
    check_ = peer.vendor._answered

    def answered(*told: Any) -> Any:
        seen.append((str(told[1]["referenceId"]), EligibilityReport.objects.filter(state="asked").count()))
        connection.close()
        return check_(*told)

    peer.vendor._answered = answered  # type: ignore[method-assign, assignment]
    check(north)
    assert seen == [(str(EligibilityReport.objects.get().pk), 1)]


def test_a_patient_has_one_active_record_and_a_new_payer_makes_a_new_one(north: Region) -> None:
    information = insured(north)
    same, made = register(information.patient, {"member_id": "W9"})
    assert (same.pk, made, same.member_id) == (information.pk, False, "W9")
    other, made = register(information.patient, {"payer_code": "00002", "member_id": "X1"})
    assert made
    assert list(EligibilityInformation.objects.filter(active=True)) == [other]


def test_what_the_job_does_not_know_is_refused(north: Region) -> None:
    theirs = insured(RegionFactory.create())
    refused: tuple[dict[str, Any], ...] = ({"only": []}, {"only": [theirs.pk]}, {"only": ["1"]}, {"patient": 1})
    for parameters in refused:
        with pytest.raises(Misuse):
            start_run("check_eligibility", region=north, parameters=parameters)
    with pytest.raises(Misuse):
        start_run("check_eligibility", region=None, parameters={})


def test_nothing_of_the_patient_is_in_the_run(north: Region) -> None:
    information = insured(north, "REJECTED-SECRET")
    with CaptureQueriesContext(connection) as queries:
        run = check(north)
    failure = Failure.objects.get(run=run)
    said = f"{run.parameters} {run.key} {failure.reference} {failure.detail} {information} {report_of(information)}"
    assert "SECRET" not in said + str([query["sql"] for query in queries])
