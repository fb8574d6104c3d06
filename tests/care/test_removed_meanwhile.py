"""A patient who is removed while somebody writes something of them stays removed (contract S3-14).

On SQLite a removal waits for the transaction that is open; on PostgreSQL only a lock makes it wait.
"""

from datetime import datetime, time, timedelta
from functools import partial
from threading import Lock
from typing import Any, cast

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from backoffice.runs.control import start_run
from clinic.booking.book import book, hold, move, reschedule
from clinic.booking.models import Appointment, Hold, KeptAnswer, WaitlistEntry
from clinic.booking.refusals import PatientRemoved
from clinic.booking.waiting import Waiting, join
from clinic.care.eligibility import asking
from clinic.care.eligibility.scope import Check
from clinic.care.eligibility.spend import month_of
from clinic.care.intakes.receiving import receive
from clinic.care.models import EligibilityInformation, EligibilityReport, EligibilitySpend, Intake
from clinic.care.removal.removing import RemovalRefused, remove
from clinic.events.models import Outbox
from clinic.notices.bedtime import enrol
from clinic.notices.channels import Channels
from clinic.notices.models import BedTimeEnrolment, Notice
from clinic.notices.sending import claim
from clinic.patients.models import Patient
from clinic.patients.register import NoSuchPatient, register
from clinic.uploads.keeping import begin
from clinic.uploads.models import Upload
from regions.models import Region
from tests.booking.conftest import client_of
from tests.booking.world import FRONT_DESK, PatientFactory, make_clinic
from tests.care.meanwhile import happens_before
from tests.care.test_intakes import filled_in
from tests.care.world import Peer, check, insured, outcomes
from tests.factories import RegionFactory
from tests.uploads.conftest import no_files

__all__ = ["no_files"]
pytestmark = pytest.mark.django_db(transaction=True)
BOTH = pytest.mark.parametrize("how", ["delete", "anonymise"])


@pytest.fixture
def region(db: None) -> Region:
    return RegionFactory.create()


@BOTH
def test_a_change_of_the_patient_does_not_bring_it_back(region: Region, how: str) -> None:
    patient = PatientFactory.create(region=region, given_name="Ada")
    removal = partial(remove, patient, how, FRONT_DESK)
    with happens_before('UPDATE "patients_patient"', removal):
        register(region, patient.external_id, {"language": "es"})
    assert [str(row.given_name) for row in Patient.objects.all()] == ([""] if how == "anonymise" else [])


def test_who_is_removed_before_the_lock_is_new_again(region: Region) -> None:
    patient = PatientFactory.create(region=region, external_id="P-1", given_name="Ada")
    removed = Patient.objects.get()
    remove(patient, "anonymise", FRONT_DESK)
    removed.refresh_from_db()
    again, made = register(region, "P-1", {"language": "es"})
    assert (made, again.pk != removed.pk, str(again.given_name)) == (True, True, "")


def test_what_stands_for_the_reference_of_a_removed_patient_names_nobody(region: Region) -> None:
    patient = PatientFactory.create(region=region)
    remove(patient, "anonymise", FRONT_DESK)
    with pytest.raises(NoSuchPatient):
        register(region, f"removed-{patient.row_id}", {"given_name": "Ada"})
    assert Patient.objects.get().given_name == ""


def test_a_second_removal_does_not_bring_the_first_ones_patient_back(region: Region) -> None:
    patient = PatientFactory.create(region=region)
    stale = Patient.objects.get()
    remove(patient, "delete", FRONT_DESK)
    with pytest.raises(RemovalRefused, match="already"):
        remove(stale, "anonymise", FRONT_DESK)
    assert not Patient.objects.exists()


@BOTH
def test_nothing_begins_for_who_was_removed_since_they_were_read(region: Region, no_files: None, how: str) -> None:
    """Neither a video, nor a questionnaire, nor messages at bedtime."""
    PatientFactory.create(region=region)
    stale = Patient.objects.select_related("region").get()
    remove(stale, how, FRONT_DESK)
    stale = Patient.objects.select_related("region").first() or stale
    begun = (
        lambda: begin(stale, None, 400, ""),
        lambda: receive(stale, filled_in(stale)),
        lambda: enrol(stale, time(21)),
    )
    for begins in begun:
        with pytest.raises(NoSuchPatient):
            begins()
    assert not any(model._default_manager.exists() for model in (Upload, Intake, BedTimeEnrolment))


@BOTH
def test_nobody_who_was_removed_is_booked_held_or_in_line(region: Region, how: str) -> None:
    clinic = make_clinic(region)
    clinic.doctor.hours.update(begins=time(0), ends=time(0))
    remove(clinic.patient, how, FRONT_DESK)
    soon = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    wait = Waiting(type=clinic.check, patient=clinic.patient, earliest=soon, latest=soon + timedelta(days=1))
    for refused in (lambda: book(clinic.wish(soon), FRONT_DESK), lambda: hold(clinic.wish(soon)), lambda: join(wait)):
        with pytest.raises(PatientRemoved):
            refused()
    assert not any(model._default_manager.exists() for model in (Appointment, Hold, WaitlistEntry))


def test_a_missed_visit_of_an_anonymous_patient_gets_no_other_time(region: Region) -> None:
    clinic = make_clinic(region)
    clinic.doctor.hours.update(begins=time(0), ends=time(0))
    soon = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    row = book(clinic.wish(soon), FRONT_DESK)
    with time_machine.travel(soon, tick=False):
        move(row, "missed", FRONT_DESK)
        remove(clinic.patient, "anonymise", FRONT_DESK)
        with pytest.raises(PatientRemoved):
            reschedule(row, soon + timedelta(hours=2), FRONT_DESK)


@BOTH
def test_what_is_given_up_is_not_offered_to_who_gives_it_up(region: Region, how: str) -> None:
    clinic = make_clinic(region)
    clinic.doctor.hours.update(begins=time(0), ends=time(0))
    soon = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    book(clinic.wish(soon), FRONT_DESK)
    wait = Waiting(type=clinic.check, patient=clinic.patient, earliest=soon, latest=soon + timedelta(minutes=30))
    assert join(wait).state == "waiting"
    remove(clinic.patient, how, FRONT_DESK)
    assert not Outbox.objects.filter(type="waitlist.offered").exists()


@BOTH
def test_a_kept_answer_about_who_was_removed_goes_and_others_stay(region: Region, how: str) -> None:
    """Sent again, the request is refused: there is nobody to book any more."""
    clinic, other = make_clinic(region), PatientFactory.create(region=region)
    clinic.doctor.hours.update(begins=time(0), ends=time(0))
    soon = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    api = client_of(clinic)

    def booked(patient: Patient, number: str, begins: datetime) -> int:
        body = {"type": clinic.check.pk, "patient": patient.pk, "begins": begins.isoformat(), "external_id": number}
        path = "/api/v1/appointments/"
        return int(api.post(path, body, format="json", headers={"Idempotency-Key": number}).status_code)

    assert booked(clinic.patient, "A-7", soon) == 201
    assert booked(other, "A-8", soon + timedelta(hours=1)) == 201
    remove(clinic.patient, how, FRONT_DESK)
    assert ["A-8" in row.body for row in KeptAnswer.objects.all()] == [True]
    assert booked(clinic.patient, "A-7", soon) == (404 if how == "delete" else 409)
    assert booked(other, "A-8", soon + timedelta(hours=1)) == 201


@BOTH
def test_an_answer_about_who_was_removed_while_the_payer_was_asked_is_not_kept(
    north: Region, peer: Peer, how: str
) -> None:
    """[S3-03] The answers about the other three, which are billed, are; nobody is asked about twice."""
    records = [insured(north, f"W{number}") for number in range(4)]
    answered, once = peer.vendor._answered, Lock()

    def removing(*told: Any) -> Any:
        with once:
            if gone_is_there():
                remove(records[0].patient, how, FRONT_DESK)
            connection.close()
        return answered(*told)

    def gone_is_there() -> bool:
        return EligibilityInformation.objects.filter(pk=records[0].pk, active=True).exists()

    peer.vendor._answered = removing  # type: ignore[method-assign, assignment]
    run = check(north)
    assert (run.status, outcomes(run)) == ("complete", {"processed": 4})
    kept = EligibilityReport.objects.exclude(patient=records[0].patient_id)
    assert [(row.state, "document" in row.answer) for row in kept] == [("processed", True)] * 3
    for row in EligibilityReport.objects.filter(patient=records[0].patient_id):
        assert (dict(row.answer), row.coverage, row.state) == ({}, "", "processed")
    assert outcomes(check(north)) == {"already_reported": 3}
    assert peer.vendor.billed == EligibilitySpend.objects.get().calls == 4


@BOTH
def test_nobody_is_asked_about_who_was_removed_after_they_were_read(north: Region, how: str) -> None:
    records = [insured(north, f"W{number}") for number in range(2)]
    run = start_run("check_eligibility", region=north, parameters={}, attended=True)
    checking = Check(run=run, region=north, month=month_of(north), client=cast(Any, None))
    result = asking.prepare(checking, next(asking.chunks(checking, None)))
    remove(records[0].patient, how, FRONT_DESK)
    with transaction.atomic():
        asking.intend(checking, result)
    assert [item.outcome for item in result.rows.items] == ["removed", ""]
    assert EligibilitySpend.objects.get().calls == 1


def test_how_a_removed_patient_is_insured_is_not_written(north: Region) -> None:
    """By one who has read the patient before the removal."""
    stale = insured(north, "W1").patient
    remove(stale, "anonymise", FRONT_DESK)
    with pytest.raises(NoSuchPatient):
        insured(north, "W2", stale)
    assert (EligibilityInformation.objects.get().active, str(EligibilityInformation.objects.get().member_id)) == (
        False, "",
    )  # fmt: skip


@BOTH
def test_a_removal_in_the_moment_of_a_claim_leaves_nothing_in_the_message(region: Region, how: str) -> None:
    """[S3-06] It waits for the claim, and the row that says "sending" is emptied; it never is filled after."""
    patient, now = PatientFactory.create(region=region, email="ada@example.org"), timezone.now()
    notice = Notice.objects.create(
        region=region, patient=patient, enrolment=enrol(patient, time(21), "email"), day=now.date(), kind="bedtime",
        channel="email", scheduled_for=now, useful_until=now + timedelta(hours=1), try_at=now,
    )  # fmt: skip
    with happens_before('UPDATE "notices_notice"', partial(remove, patient, how, FRONT_DESK)):
        claimed = claim(notice.pk, Channels(region))
    assert claimed is not None
    assert [(str(row.to), str(row.body)) for row in Notice.objects.all()] == ([("", "")] if how == "anonymise" else [])
