"""Bookings, events, messages, coverage, questionnaires, videos, reports and a removal: over the web, by commands, by
consumers, with vendors and a database that fail and repeat whom it was about."""

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.utils import timezone

from backoffice.sandbox.fcm import Fcm
from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.pverify import PVerify
from backoffice.sandbox.twilio import ACCOUNT, FROM, Twilio
from clinic.booking.models import Appointment
from clinic.care.models import EligibilityReport, Intake
from clinic.events.models import DeadLetter, Inbound
from clinic.notices.bedtime import enrol
from clinic.notices.models import Notice
from clinic.patients.models import Patient
from clinic.patients.portal import VERBS
from clinic.uploads.models import Upload
from tests.booking.world import Clinic, make_clinic
from tests.canary import values
from tests.canary.site import Site, refusing
from tests.canary.watch import Watch
from tests.care.world import INSURANCE
from tests.events.senders import OTHER_SECRET, SECRET, cloud_event, oru, signed, written
from tests.events.test_mllp import Sender
from tests.factories import ApiTokenFactory, RegionFactory, UserFactory
from tests.processes import until
from tests.uploads.world import OCTETS, mp4, told

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
WEST = ("--region", "west")
TOKEN = "a-token-of-these-tests"
WHO = {
    "region": "west", "external_id": values.PATIENT, "given_name": values.GIVEN, "family_name": values.FAMILY,
    "birth_date": values.BIRTH_DATE, "phone": values.PHONE, "email": values.EMAIL, "push_token": values.DEVICE,
}  # fmt: skip
LISTENING = "Listening on 127.0.0.1 port "


class Vendors:
    """Twilio, FCM and pVerify on this machine."""

    def __init__(self, folder: Path) -> None:
        self.twilio, self.fcm = HttpPeer(Twilio(token=TOKEN)), HttpPeer(Fcm())
        self.pverify = HttpPeer(PVerify(secret=TOKEN))
        for peer in (self.twilio, self.fcm, self.pverify):
            peer.start()
        key = self.fcm.vendor.make_key_file(folder / "key.json", self.fcm.url).read_text()
        self.env_vars = {
            "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": FROM, "FCM_KEY": key,
            "PVERIFY_URL": self.pverify.url, "PVERIFY_CLIENT_ID": "sandbox", "PVERIFY_CLIENT_SECRET": TOKEN,
            "LIS_WEBHOOK_SECRET": SECRET, "POS_WEBHOOK_SECRET": OTHER_SECRET,
        }  # fmt: skip

    def stop(self) -> None:
        for peer in (self.twilio, self.fcm, self.pverify):
            peer.stop()


@pytest.fixture
def vendors(watch: Watch, tmp_path: Path) -> Any:
    made = Vendors(tmp_path)
    watch.processes.environment |= {
        "TWILIO_URL": made.twilio.url, "FCM_URL": made.fcm.url, "NOTICE_TIMEOUT_SECONDS": "2",
        "PVERIFY_TIMEOUT_SECONDS": "2", "EVENT_RETRY_SECONDS": "0,0,0,0", "PUBLIC_URL": "",
    }  # fmt: skip
    yield made
    made.stop()


@pytest.fixture
def clinic(vendors: Vendors) -> Clinic:
    """Open day and night, where it is about noon now: at night nothing would be sent."""
    ahead = 12 - datetime.now(UTC).hour
    zone = f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"
    made = make_clinic(RegionFactory.create(name="west", time_zone=zone, env_vars=vendors.env_vars))
    made.doctor.hours.update(begins="00:00", ends="00:00")
    return made


def questionnaire(**fields: Any) -> dict[str, Any]:
    answer = {"linkId": values.QUESTION_LINK, "text": values.FAMILY, "answer": [{"valueString": values.ANSWER}]}
    return {
        "resourceType": "QuestionnaireResponse", "identifier": {"value": values.INSURANCE}, "status": "completed",
        "subject": {"reference": f"Patient/{values.PATIENT}"}, "authored": "2026-02-27T10:00:00Z", "item": [answer],
        **fields,
    }  # fmt: skip


def hand_in(site: Site, clinic: Clinic, token: str) -> Patient:
    """All that a portal knows of a patient, and each of it wrong as well."""
    assert site.api("POST", "patients/", WHO, token)[0] == 201
    patient = Patient.objects.get(external_id=values.PATIENT)
    told_wrong = {
        "phone": values.NEW_PHONE[1:],
        "birth_date": values.GIVEN,
        "email": values.FAMILY,
        "region": values.CITY,
    }
    for wrong in ({name: text} for name, text in told_wrong.items()):
        assert site.api("POST", "patients/", {**WHO, **wrong}, token)[0] in (400, 404)
    assert site.api("POST", "patients/", b'{"given_name": "' + values.ALL.encode(), token)[0] == 400
    insurance = {**INSURANCE, "patient": patient.pk, "member_id": values.INSURANCE}
    assert site.api("POST", "insurance/", insurance, token)[0] == 201
    assert site.api("POST", "insurance/", {**insurance, "provider_npi": values.MEMBER}, token)[0] == 400
    assert site.api("POST", "intakes/?region=west", questionnaire(), token)[0] == 201
    for fields in ({"authored": values.ANSWER}, {"item": [{"linkId": values.ANSWER, "answer": values.FAMILY}]}):
        assert site.api("POST", "intakes/?region=west", questionnaire(**fields), token)[0] == 400
    metadata = told(patient=patient.pk, filename=values.VIDEO, name=values.VIDEO_NAME)
    video, tus = mp4(), {"Tus_Resumable": "1.0.0"}
    begun = {"Upload_Length": str(len(video)), "Upload_Metadata": metadata, **tus}
    assert site.api("POST", "uploads/", b"", token, **begun)[0] == 201
    upload = Upload.objects.get()
    sent = {"Upload_Offset": "0", "Content_Type": OCTETS, **tus}
    assert site.api("PATCH", f"uploads/{upload.pk}/", video, token, **{**sent, "Upload_Offset": "7"})[0] == 409
    assert site.api("PATCH", f"uploads/{upload.pk}/", video, token, **sent)[0] == 204
    return patient


def book(site: Site, clinic: Clinic, patient: Patient, token: str) -> Appointment:
    begins = (timezone.now() + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    wish = {"type": clinic.check.pk, "patient": patient.pk, "begins": begins.isoformat()}
    assert site.api("POST", "appointments/", {**wish, "external_id": "A-1"}, token)[0] == 201
    assert site.api("POST", "appointments/", wish, token)[0] == 409
    assert site.api("POST", "appointments/", {**wish, "begins": values.FAMILY}, token)[0] == 400
    other = {**wish, "begins": (begins + timedelta(hours=2)).isoformat()}
    assert site.api("POST", "appointments/", other, token)[0] == 201
    first, second = Appointment.objects.order_by("begins")
    assert (
        site.api("POST", f"appointments/{second.pk}/cancel/", {"reason": f"{values.FAMILY}: {values.ANSWER}"}, token)[0]
        == 200
    )
    return first


def tell(site: Site) -> None:
    """A laboratory and a till, signed, unsigned and wrong."""
    data = {
        "appointment_id": "A-1", "order_id": "O-7", "patient": f"{values.FAMILY}, {values.GIVEN}",
        "phone": values.PHONE, "result": values.RESULT, "mrn": values.LAB_NUMBER,
    }  # fmt: skip
    paid = {**data, "amount": "30.00", "currency": "USD"}
    wrong = {**data, "occurred_at": values.FAMILY}
    for number, (channel, type_, about, secret) in enumerate((
        ("lis", "lis.sample.collected", data, SECRET), ("pos", "pos.order.paid", paid, OTHER_SECRET),
        ("pos", "pos.order.paid", {**paid, "amount": values.PHONE}, OTHER_SECRET),
        ("lis", "lis.sample.collected", wrong, SECRET), ("lis", f"lis.{values.GIVEN}", data, SECRET),
        ("lis", "lis.sample.collected", data, OTHER_SECRET),
    )):  # fmt: skip
        body = written(cloud_event(id=f"c-{number}", type=type_, data=about))
        media = {"Content_Type": "application/cloudevents+json"}
        path = f"/api/v1/events/{channel}?region=west"
        site.send("POST", path, body, **media, **signed(body, secret, message=f"msg-{number}"))


def tell_by_mllp(watch: Watch) -> None:
    listener = watch.start("listen_mllp", *WEST, "--port", "0")
    port = int(listener.says(LISTENING, within=300).split(LISTENING)[1].split()[0])
    message = oru("M1", visit="A-1", order="O-8").decode()
    for before, after in (("MRN-77", values.LAB_NUMBER), ("EXAMPLE^ANNA", f"{values.FAMILY}^{values.GIVEN}"),
                          ("19700101", "19371023"), ("2345-7^GLUCOSE", values.RESULT)):  # fmt: skip
        assert before in message
        message = message.replace(before, after)
    wrong = [
        message.replace("ORU^R01^ORU_R01", f"ORU^{values.GIVEN}"), message.replace("|P|", f"|{values.FAMILY}|"),
        message.replace("20261129080000", values.FAMILY).replace("M1", values.LAB_NUMBER), f"MSH|{values.ALL}",
        values.ALL,
    ]  # fmt: skip
    for text in (message, *wrong):
        sender = Sender(port)
        sender.tell(text.encode())
        sender.socket.close()
    watch.end(listener)


def misuse(site: Site, patient: Patient, token: str) -> None:
    """Addresses that nobody should ask for, and who may not."""
    viewer, outsider = signed_in("viewer", patient), Client()
    site.api("GET", f"patients/{values.PATIENT}/?phone={values.PHONE}", b"", token)
    site.api("GET", f"appointments/?name={values.GIVEN}&patient={values.PATIENT}", b"", token)
    site.api("GET", f"nothing/{values.GIVEN}/", b"", token)
    site.api("POST", "patients/", WHO, values.PATIENT)
    weak = str(ApiTokenFactory.create(regions=[patient.region], verbs=["runs:read"]).text)
    site.api("POST", "patients/", WHO, weak)
    site.page(viewer, f"nothing/{values.GIVEN}/?q={values.PATIENT}")
    site.page(viewer, f"patients/patient/{patient.pk}/remove/", {"sure": "1", "how": "delete", "q": values.GIVEN})
    outsider.cookies["sessionid"] = "none"
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    site.send("POST", "/admin/login/", f"username={values.GIVEN}".encode(), **form)
    site.send("GET", f"/admin/?q=%00{values.GIVEN}", Host=f"{values.GIVEN}.example")
    host = "\r\nHost: localhost"
    for request in (
        f"GET /api/v1/patients/?name={values.GIVEN} {values.FAMILY} HTTP/1.1{host}", f"{values.GIVEN} / HTTP/1.1{host}",
        f"GET / HTTP/1.1{host}\r\nX-{values.GIVEN} {values.FAMILY}: {values.PHONE}",
        f"GET /{values.PATIENT} {values.GIVEN}/1.1{host}", f"GET /{values.PATIENT * 1000} HTTP/1.1{host}",
    ):  # fmt: skip
        assert 400 <= site.raw(f"{request}\r\n\r\n") < 500
    with refusing("patients_patient", "booking_appointment"):
        status, _ = site.api("POST", "patients/", {**WHO, "external_id": f"{values.PATIENT}-2"}, token)
        assert status == 500


def signed_in(role: str, patient: Patient) -> Client:
    client = Client()
    client.force_login(UserFactory.create(role=role, regions=[patient.region]))
    return client


def test_the_web_and_what_comes_from_outside_say_nothing_of_a_patient(
    watch: Watch, clinic: Clinic, vendors: Vendors
) -> None:
    """[S4-09]"""
    token = str(ApiTokenFactory.create(regions=[clinic.region], verbs=VERBS).text)
    site, worker = Site(watch), watch.start("work")
    patient = hand_in(site, clinic, token)
    book(site, clinic, patient, token)
    tell(site)
    tell_by_mllp(watch)
    misuse(site, patient, token)
    with refusing("notices_notice"):
        watch.manage("publish_events")
        watch.manage("consume", "notification", "--once")
        watch.manage("schedule_notifications", *WEST, "--json", status=None)
    watch.manage("publish_events")
    for consumer in ("notification", "lis-sample-status", "pos-orders"):
        watch.manage("consume", consumer, "--once")
    operator = signed_in("operator", patient)
    for path in (
        "", "patients/patient/", f"patients/patient/{patient.pk}/change/", f"patients/patient/{patient.pk}/remove/",
        "booking/appointment/", "events/unmatched/", "notices/notice/", "events/deadletter/", "uploads/upload/",
    ):  # fmt: skip
        assert site.page(operator, path)[0] == 200, path
    site.metrics()
    removed = site.page(operator, f"patients/patient/{patient.pk}/remove/", {"sure": "1", "how": "anonymise"})
    assert removed[0] == 302
    site.metrics()
    watch.end(worker)
    watch.end(site.server)
    assert {("API", status) for status in (400, 401, 403, 404, 409, 500)} <= site.statuses
    assert {("admin", status) for status in (400, 403, 404)} <= site.statuses
    assert Inbound.objects.filter(channel="lis").exists()
    assert DeadLetter.objects.exists()
    assert LogEntry.objects.exists()
    assert watch.leaks() == []


def test_the_clinics_commands_say_nothing_of_a_patient(
    watch: Watch, clinic: Clinic, vendors: Vendors, tmp_path: Path
) -> None:
    """[S4-09]"""
    from clinic.booking.book import book as booked
    from clinic.care.eligibility.register import register
    from clinic.care.intakes.receiving import receive
    from clinic.events.models import Outbox
    from tests.booking.world import FRONT_DESK
    from tests.uploads.world import a_video

    patient = clinic.patient
    for name, text in WHO.items():
        if name != "region":
            setattr(patient, name, text)
    patient.save()
    begins = (timezone.now() + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    booked(clinic.wish(begins), FRONT_DESK, external_id="A-1")
    register(patient, {**INSURANCE, "member_id": values.INSURANCE})
    receive(patient, questionnaire())
    a_video(clinic.region, patient=patient, state="received", metadata=told(name=values.VIDEO_NAME))
    enrol(patient, time(0))
    worker = watch.start("work")
    watch.echo(500)
    vendors.pverify.vendor.faults.next("http500")
    watch.manage("check_eligibility", *WEST, "--wait", "--json", status=None)
    watch.echo(200)
    watch.manage("check_eligibility", *WEST, "--wait", "--json", status=None)
    with refusing("care_eligibilityreport"):
        watch.manage("check_eligibility", *WEST, "--wait", "--json", "--fresh", status=None)
    watch.manage("check_eligibility", *WEST, "--wait", "--json", "--fresh")
    watch.manage("publish_events")
    watch.manage("schedule_notifications", *WEST, "--json")
    watch.manage("send_bedtime_messages", *WEST, "--json")
    vendors.twilio.vendor.faults.next("slow")
    watch.mails.faults.next("rcpt_550")
    vendors.fcm.vendor.faults.next("garbage")
    watch.echo(400, times=2)
    watch.manage("send_notifications", *WEST, "--here", "--json")
    until(lambda: not Notice.objects.filter(state="planned", scheduled_for__lte=timezone.now()).exists(), within=120)
    for command in ("track_appointment_states", "upload_video"):
        watch.manage(command, *WEST, "--wait", "--json")
    days = ("--from", "2026-01-01", "--to", (begins + timedelta(days=9)).date().isoformat())
    for kind, form in (("visits", "csv"), ("eligibility", "pdf")):
        output = tmp_path / f"report.{form}"
        watch.manage("report", *WEST, "--kind", kind, "--format", form, *days, "--output", str(output))
        assert output.stat().st_size
    for ended in (("clean_up", "--json"), ("check_alerts",), ("doctor", "--json")):
        watch.manage(*ended, status=None)
    watch.end(worker)
    assert EligibilityReport.objects.exists()
    assert Intake.objects.exists()
    assert Outbox.objects.exists()
    assert set(Notice.objects.values_list("state", flat=True)) & {"sent", "failed", "undelivered"}
    assert json.dumps(watch.mails.messages)
    assert watch.leaks() == []
