"""Removing a patient: what goes is shown, then all of it goes or nothing (contract S3-14, X-19)."""

import re
from datetime import time
from itertools import count
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.db import OperationalError, connection
from django.db.models import Model
from django.test import Client

from clinic.booking.book import book, hold, move
from clinic.booking.models import Appointment, Cell, Hold
from clinic.booking.waiting import Waiting, join
from clinic.care.intakes.dumping import dump
from clinic.care.intakes.receiving import receive
from clinic.care.models import EligibilityInformation, Intake, IntakeQuestionnaireDatum, RetentionHold
from clinic.care.removal import removing
from clinic.care.removal.owned import OWNED
from clinic.care.removal.removing import RemovalRefused, preview, remove
from clinic.events.models import Outbox
from clinic.notices.bedtime import enrol
from clinic.notices.bounces import comes_back
from clinic.notices.models import BedTimeEnrolment, Notice
from clinic.patients.models import Patient
from clinic.uploads.files import folder
from clinic.uploads.models import Upload
from regions.sync.models import UndeliverablePhone
from regions.sync.undeliverable import dismiss, reopen, report
from tests.admin.conftest import SignIn, World, north, said, sign_in, south, text_of
from tests.booking.conftest import clinic, now
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic, PatientFactory
from tests.care.test_intakes import filled_in
from tests.care.world import insured
from tests.factories import RegionFactory, UserFactory
from tests.notices.world import told
from tests.uploads.conftest import no_files
from tests.uploads.world import a_video

__all__ = ["clinic", "no_files", "north", "now", "sign_in", "south"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def known(clinic: Clinic) -> Patient:
    """A patient with an appointment, its confirmation, bed time messages, a hold, insurance, intake and video."""
    book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-7")
    hold(clinic.wish(MONDAY + 60 * MINUTE))
    insured(clinic.region, "MEMBER-77", clinic.patient)
    intake, _ = receive(clinic.patient, filled_in(clinic.patient))
    dump(intake.pk)
    told(clinic)
    enrol(clinic.patient, time(21))
    a_video(clinic.region, patient=clinic.patient, metadata="name QWRhZXpl")
    return clinic.patient


def test_the_preview_counts_by_table_and_changes_nothing(known: Patient) -> None:
    found = preview(known)
    assert dict(found.counts) == {
        "answers": 4, "intakes": 1, "records of insurance": 1, "holds": 1, "moves": 1, "appointments": 1,
        "notifications": 9, "bed time enrolments": 1, "videos": 1, "patients": 1,
    }  # fmt: skip
    assert (found.expected, found.held, found.kept) == (1, "", "")
    assert Appointment.objects.get().state == "booked"


def test_deleted_there_is_nothing_left_and_the_time_is_free(known: Patient, clinic: Clinic) -> None:
    """[S3-14] What the outbox still tells of it is passed over."""
    number = known.pk
    remove(known, "delete", FRONT_DESK)
    assert not Patient.objects.exists()
    assert not any(owned.model._default_manager.exists() for owned in OWNED)
    assert not Cell.objects.exists()
    told(clinic)
    assert not Notice.objects.exists()
    entry = LogEntry.objects.get(object_pk=str(number), changes__has_key="patient")
    assert entry.additional_data["removed"]["appointments"] == 1


def test_anonymous_rows_stay_and_name_nobody(known: Patient) -> None:
    """[X-19]"""
    notice = Notice.objects.get(kind="confirmation", channel="sms")
    notice.to, notice.body = "+13125550177", "See you, Adaeze"
    notice.save()
    remove(known, "anonymise", FRONT_DESK)
    patient = Patient.objects.get()
    assert (patient.family_name, patient.phone, patient.birth_date) == ("", "", "")
    assert patient.external_id == f"removed-{patient.row_id}"
    assert Appointment.objects.get().state == "cancelled"
    assert EligibilityInformation.objects.get().member_id == ""
    assert not EligibilityInformation.objects.get().active
    assert dict(Intake.objects.get().document) == {}
    assert {(str(row.to), str(row.body)) for row in Notice.objects.all()} == {("", "")}
    assert BedTimeEnrolment.objects.get().ended_at
    assert {str(row.value) for row in IntakeQuestionnaireDatum.objects.all()} == {""}
    video = Upload.objects.get()
    assert (video.file, video.metadata, video.state) == ("", "", "completed")


@pytest.mark.parametrize("how", ["delete", "anonymise"])
def test_a_retention_hold_forbids_both(known: Patient, how: str) -> None:
    RetentionHold.objects.create(region=known.region, patient=known, reason="a dispute")
    with pytest.raises(RemovalRefused, match="retention hold"):
        remove(known, how, FRONT_DESK)
    assert Appointment.objects.get().state == "booked"


def test_a_visit_that_took_place_is_kept_for_its_time(known: Patient, settings: Any, now: Any) -> None:
    now.move_to(MONDAY)
    move(Appointment.objects.get(), "arrived", FRONT_DESK)
    with pytest.raises(RemovalRefused, match="RECORDS_KEPT_DAYS"):
        remove(known, "delete", FRONT_DESK)
    now.move_to(MONDAY + (settings.RECORDS_KEPT_DAYS + 1) * 1440 * MINUTE)
    remove(known, "delete", FRONT_DESK)
    assert not Patient.objects.exists()


def test_it_is_never_half_done(known: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last table refuses: the appointment is not even cancelled."""
    monkeypatch.setattr(removing, "OWNED", OWNED[:-2])
    with pytest.raises(RemovalRefused, match="Nothing was removed"):
        remove(known, "delete", FRONT_DESK)
    assert Appointment.objects.get().state == "booked"
    assert Hold.objects.get().state == "open"
    assert Intake.objects.count() == 1
    assert not LogEntry.objects.filter(changes__has_key="patient").exists()


@pytest.mark.parametrize(
    ("how", "step"), [("delete", 9), *(pytest.param(how, 1, marks=pytest.mark.slow) for how in ("delete", "anonymise"))]
)
def test_interrupted_at_any_statement_all_or_nothing_is_left(known: Patient, how: str, step: int) -> None:
    """[S3-14] After each interruption all is as it was, the video's file as well. `step`: between the statements."""
    before, names = everything(), sorted(path.name for path in folder().iterdir())
    for number in count(0, step):
        try:
            with connection.execute_wrapper(Interrupting(number)):
                remove(known, how, FRONT_DESK)
        except OperationalError:
            assert everything() == before, number
            assert sorted(path.name for path in folder().iterdir()) == names
        else:
            break
    assert number > 30
    assert Patient.objects.exists() == (how == "anonymise")
    assert not Upload.objects.exclude(file="").exists()


class Interrupting:
    """Lets so many statements through; what comes then is not done, nor is anything after it but the rollback."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._undoing: tuple[str, ...] = ("ROLLBACK",)

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        if self._left <= 0 and not sql.startswith(self._undoing):
            raise OperationalError("the server has gone")
        if self._left <= 0:
            self._undoing = ("ROLLBACK", "RELEASE")  # of the savepoint that was gone back to
        self._left -= 1
        return execute(sql, *rest)


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Each row of each table that a removal can touch, with the audit log."""
    models = (Patient, LogEntry, Outbox, Cell, *(owned.model for owned in OWNED))
    return {model.__name__: list(model._default_manager.order_by("pk").values_list()) for model in models}


@pytest.mark.parametrize("how", ["delete", "anonymise"])
def test_rows_of_undeliverable_numbers_are_closed_and_emptied(
    known: Patient, sign_in: SignIn, settings: Any, how: str
) -> None:
    """Of the number, of one to which messages went before, and of the reference; also after a new SECRET_KEY."""
    notice = Notice.objects.filter(channel="sms")[0]
    notice.to = "+13125550177"
    notice.save()
    region, reference = known.region, known.external_id
    mine = [
        report(region, str(known.phone), "no_such_number"), report(region, "+13125550177", "refused"),
        report(region, "+13125550178", "refused", patient_id=reference),
        report(region, str(known.phone), "unreachable", patient_id="pat-1"),
    ]  # fmt: skip
    dismiss(mine[1], UserFactory.create(), "rang back from +13125550177")
    others = [report(region, "+13125550199", "refused"), report(RegionFactory.create(), str(known.phone), "refused")]
    settings.SECRET_KEY = "another-key-of-the-same-installation"
    assert dict(preview(known).counts)["undeliverable numbers"] == 4
    assert preview(known).told == "4 rows of undeliverable numbers"
    remove(known, how, FRONT_DESK)
    for row in mine:
        row.refresh_from_db()
        assert (row.digest, row.patient_id, row.phone, row.resolution) == ("", "", {}, "dismissed")
        assert row.resolved_reason == "The patient was removed."
        assert not reopen(row, UserFactory.create())
    page = f"/admin/regions/undeliverablephone/{mine[0].pk}/change/"
    assert 'name="reopen"' not in text_of(sign_in("operator", regions=[region]), page)
    for row in others:
        row.refresh_from_db()
        assert (row.resolution, bool(row.digest)) == ("open", True)


@pytest.mark.parametrize("how", ["delete", "anonymise"])
def test_a_number_that_another_patient_has_as_well_stays_marked_for_them(known: Patient, how: str) -> None:
    """By one row that names nobody, whatever was reported of it last; in no other region, and not where it was said to
    be somebody else's than who is removed."""
    region, shared = known.region, str(known.phone)
    other = PatientFactory.create(region=region, phone=shared)
    PatientFactory.create(region=region, phone="+13125550188")
    PatientFactory.create(phone="+13125550177")
    mine = [
        report(region, shared, "no_such_number"), report(region, shared, "unreachable", patient_id="pat-1"),
        report(region, "+13125550188", "wrong_person", patient_id=known.external_id),
        report(region, "+13125550177", "landline", patient_id=known.external_id),
    ]  # fmt: skip
    remove(known, how, FRONT_DESK)
    assert comes_back(region, str(other.phone))
    row = UndeliverablePhone.objects.get(resolution="open")
    assert (row.region, row.reason, row.patient_id, row.phone["number"]) == (region, "no_such_number", "", shared)
    assert {(each.resolution, each.digest) for each in UndeliverablePhone.objects.exclude(pk=row.pk)} == {
        ("dismissed", "")
    }
    assert len(mine) == UndeliverablePhone.objects.count() - 1


def test_every_table_that_leads_to_a_patient_is_decided_about() -> None:
    """One that is new is entered in clinic/care/removal/owned.py."""

    def leading_to(model: type[Model]) -> set[type[Model]]:
        relations = [one for one in model._meta.related_objects if not one.many_to_many]
        return {one.related_model for one in relations if one.related_model is not model}

    decided = {owned.model for owned in OWNED}
    found = leading_to(Patient)
    assert found <= decided
    assert leading_to(Appointment) - {Cell} <= decided


def test_the_page_asks_and_removes(sign_in: SignIn, north: World) -> None:
    patient = PatientFactory.create(region=north.region, external_id="P-SECRET")
    page, client = f"/admin/patients/patient/{patient.pk}/remove/", sign_in("operator")
    assert "What belongs to this patient" in text_of(client, page)
    client.post(page, {"hold": "1", "reason": "a dispute"})
    assert "a dispute" in text_of(client, page)
    assert "hold stands" in said(client.post(page, {"sure": "1", "how": "delete"}))
    assert 'name="sure"' not in text_of(client, page)
    client.post(page, {"release": "1"})
    assert "is removed" in said(client.post(page, {"sure": "1", "how": "anonymise"}))
    assert "SECRET" not in Patient.objects.get().external_id


@pytest.mark.parametrize(("how", "verb"), [("anonymise", "Make anonymous"), ("delete", "Delete")])
def test_a_second_step_counts_what_goes_and_asks_once(
    sign_in: SignIn, clinic: Clinic, known: Patient, how: str, verb: str
) -> None:
    """One of a kind is one, more are many; until it is answered nothing has changed."""
    page, client = f"/admin/patients/patient/{known.pk}/remove/", sign_in("operator", regions=[clinic.region])
    join(Waiting(type=clinic.check, patient=known, earliest=MONDAY, latest=MONDAY + 30 * MINUTE))
    before = everything()
    asked = client.post(page, {"ask": "1", "how": how}).content.decode()
    for words in ("4 answers", "1 intake", "1 appointment", "1 video", "1 waitlist entry"):
        assert f"<li>{words}</li>" in asked, words
    assert "1 expected appointment<" in asked
    assert ("Stays, ended if open" in asked) == (how == "anonymise")  # a hold is released, the line is left
    assert f'name="how" value="{how}"' in asked
    assert re.search(rf'<button[^>]*name="sure" value="1">{verb}</button>', asked)
    assert everything() == before
    assert "is removed" in said(client.post(page, {"sure": "1", "how": how}))
    assert [str(row.family_name) for row in Patient.objects.filter(region=clinic.region)] in ([], [""])


def test_the_second_step_is_not_reached_where_nothing_may_go(
    sign_in: SignIn, clinic: Clinic, known: Patient, now: Any
) -> None:
    now.move_to(MONDAY)
    page, client = f"/admin/patients/patient/{known.pk}/remove/", sign_in("operator", regions=[clinic.region])
    move(Appointment.objects.get(), "arrived", FRONT_DESK)
    kept = client.post(page, {"ask": "1", "how": "delete"}).content.decode()
    assert "RECORDS_KEPT_DAYS" in kept
    assert 'name="sure"' not in kept
    client.post(page, {"hold": "1", "reason": "a dispute"})
    held = client.post(page, {"ask": "1", "how": "anonymise"}).content.decode()
    assert "retention hold stands" in held
    assert 'name="sure"' not in held
    assert 'name="ask"' not in held


def test_outsiders(sign_in: SignIn, north: World, south: World, client: Client) -> None:
    mine = PatientFactory.create(region=north.region, external_id="P-SECRET")
    theirs = PatientFactory.create(region=south.region)
    listed, page = "/admin/patients/patient/", f"/admin/patients/patient/{mine.pk}/remove/"
    for address in (listed, page):
        assert client.get(address)["Location"].startswith("/admin/login/")
        assert sign_in(None).get(address).status_code == 403
    for role in ("viewer", "finance", "engineer", "auditor"):
        for step in ("ask", "sure"):
            assert sign_in(role).post(page, {step: "1", "how": "delete"}).status_code == 403
    assert "SECRET" not in text_of(sign_in("viewer"), listed)
    operator = sign_in("operator")
    for step in ("ask", "sure"):
        assert operator.post(f"{listed}{theirs.pk}/remove/", {step: "1", "how": "delete"}).status_code == 404
        assert client.post(page, {step: "1", "how": "delete"})["Location"].startswith("/admin/login/")
    assert Patient.objects.count() == 2
