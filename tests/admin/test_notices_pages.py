"""The ledger, the texts and the bed time messages in the admin: who sees what, and who may change it."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from clinic.booking.models import Appointment
from clinic.notices.bedtime import enrol
from clinic.notices.models import BedTimeEnrolment, Notice, Template
from clinic.notices.moving import make, move
from regions.models import Region
from tests.admin.conftest import SignIn, World, said, text_of
from tests.booking.world import PatientFactory, TypeFactory

LEDGER, FIND = "/admin/notices/notice/", "/admin/notices/notice/find/"
TEMPLATES, ENROLMENTS = "/admin/notices/template/", "/admin/notices/bedtimeenrolment/"
REFERENCE = "MRN-PRIVATE"


def notice(region: Region, reference: str = REFERENCE) -> Notice:
    """A text message that was refused."""
    patient = PatientFactory.create(region=region, external_id=reference)
    begins = timezone.now() + timedelta(days=1)
    visit = Appointment.objects.create(
        region=region, patient=patient, type=TypeFactory.create(region=region, needs=[]), begins=begins,
        ends=begins + timedelta(hours=1),
    )  # fmt: skip
    row = Notice(
        region=region, patient=patient, appointment=visit, kind="reminder_before", channel="sms", begins=begins,
        scheduled_for=begins, useful_until=begins, try_at=begins,
    )  # fmt: skip
    row.to, row.body = "+13125550177", "See you, Adaeze"
    make(row)
    move(row, ["planned"], "not_sent", "opted_out", code="21610")
    return row


def page(row: Any) -> str:
    return f"/admin/notices/{row._meta.model_name}/{row.pk}/change/"


def test_the_ledger_says_why_a_patient_did_not_get_it(sign_in: SignIn, north: World) -> None:
    row = notice(north.region)
    notice(north.region, "MRN-OTHER")
    client = sign_in("finance")
    found = client.post(FIND, {"reference": REFERENCE})
    assert found["Location"] == f"{LEDGER}?patient={row.patient_id}"
    listed = text_of(client, found["Location"])
    assert "the patient has written STOP" in listed
    assert REFERENCE in listed
    assert "MRN-OTHER" not in listed
    assert f"?appointment={row.appointment_id}" in listed
    one = text_of(client, page(row))
    for text in ("+13125550177", "See you, Adaeze", "Planned", "not sent", "the patient has written STOP", "21610"):
        assert text in one
    assert "No patient" in said(client.post(FIND, {"reference": "nobody"}))


@pytest.mark.parametrize("role", ["viewer", "engineer"])
def test_who_may_not_see_patients_sees_the_row_and_not_whose_it_is(sign_in: SignIn, north: World, role: str) -> None:
    row = notice(north.region)
    enrol(row.patient, time(21))
    client = sign_in(role)
    for address in (LEDGER, page(row), ENROLMENTS):
        shown = text_of(client, address)
        for private in (REFERENCE, "+13125550177", "Adaeze"):
            assert private not in shown
    assert client.post(FIND, {"reference": REFERENCE}).status_code == 403
    assert client.post(ENROLMENTS, {"leave": "1"}).status_code == 403


def test_a_text_is_checked_as_it_is_saved_and_shown_as_it_will_be(sign_in: SignIn, north: World) -> None:
    client = sign_in("engineer")
    form = {
        "region": north.region.pk, "kind": "missed", "language": "en", "subject": "Missed", "body": "x",
        "short": "{given_name}, we missed you {phone}",
    }  # fmt: skip
    assert "There is no such placeholder" in client.post(f"{TEMPLATES}add/", form).content.decode()
    client.post(f"{TEMPLATES}add/", {**form, "short": "{given_name}, we missed you"})
    row = Template.objects.get()
    assert "Maria, we missed you Reply STOP to end." in text_of(client, page(row))


def test_a_patient_joins_and_leaves_the_bed_time_messages(sign_in: SignIn, north: World) -> None:
    PatientFactory.create(region=north.region, external_id=REFERENCE)
    client = sign_in("operator")
    form = {"enrol": "1", "reference": REFERENCE, "local_time": "21:15", "channel": "sms"}
    assert "each day" in said(client.post(ENROLMENTS, form))
    row = BedTimeEnrolment.objects.get()
    assert row.local_time == time(21, 15)
    assert "required" in client.post(ENROLMENTS, {"enrol": "1"}).content.decode()
    assert "No more" in said(client.post(ENROLMENTS, {"leave": str(row.pk)}))
    assert client.get(page(row))["Location"] == f"{LEDGER}?patient={row.patient_id}"


def test_outsiders(sign_in: SignIn, north: World, south: World, client: Client) -> None:
    mine, theirs = notice(north.region), notice(south.region, "MRN-SOUTH")
    joined = enrol(theirs.patient, time(21))
    text = Template.objects.create(
        region=south.region, kind="missed", language="en", subject="SOUTH-TEXT", short="x", body="x"
    )
    for address in (LEDGER, TEMPLATES, ENROLMENTS, page(mine)):
        assert client.get(address)["Location"].startswith("/admin/login/")
        assert sign_in(None).get(address).status_code == 403
    operator = sign_in("operator")
    for row in (theirs, joined, text):
        assert operator.get(page(row)).status_code == 404
    for address in (f"{LEDGER}?patient={theirs.patient_id}", LEDGER, ENROLMENTS, TEMPLATES):
        shown = text_of(operator, address)
        assert "MRN-SOUTH" not in shown
        assert "SOUTH-TEXT" not in shown
    assert "No patient" in said(operator.post(FIND, {"reference": "MRN-SOUTH"}))
    operator.post(ENROLMENTS, {"leave": str(joined.pk)})
    joined.refresh_from_db()
    assert joined.ended_at is None
    assert sign_in("operator").get(f"{TEMPLATES}add/").status_code == 403
    assert sign_in("viewer").post(ENROLMENTS, {"leave": str(joined.pk)}).status_code == 403
    for role in ("viewer", "operator", "superuser"):
        assert sign_in(role).get(f"{LEDGER}add/").status_code == 403
