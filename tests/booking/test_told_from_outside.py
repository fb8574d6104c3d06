"""From the message of a laboratory or a point of sale to the appointment, and where staff and others see it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from redis import Redis

from backoffice.access import MASKED
from clinic.booking.book import book
from clinic.booking.models import Appointment, LabOrder, PosOrder
from clinic.care.removal.removing import RemovalRefused, remove
from clinic.events.inbound.mllp import Listener
from clinic.events.models import Unmatched
from regions.models import Region
from tests.booking.conftest import Portal, client_of
from tests.booking.test_pages import signed_in, text_of
from tests.booking.told import handle_all, moment, tell
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic, make_booking
from tests.events.senders import OTHER_SECRET, SECRET, cloud_event, oru, signed, written
from tests.events.test_mllp import Sender, listening, said
from tests.factories import RegionFactory


@pytest.fixture
def north(db: None) -> Region:
    secrets = {"LIS_WEBHOOK_SECRET": SECRET, "POS_WEBHOOK_SECRET": OTHER_SECRET}
    return RegionFactory.create(name="north", env_vars=secrets)


@pytest.mark.django_db
def test_a_signed_event_over_http_moves_its_appointment_and_confirms_its_payment(
    north: Region, client: Client, queue: Redis
) -> None:
    """[S4-03] [S4-05]"""
    make_booking(north)
    sample = cloud_event(data={"appointment_id": "A-7", "order_id": "O-7", "occurred_at": "2026-11-29T09:30:00Z"})
    paid = cloud_event(type="pos.order.paid", data={"appointment_id": "A-7", "amount": "30.00", "currency": "USD"})
    for channel, event, secret in (("lis", sample, SECRET), ("pos", paid, OTHER_SECRET)):
        body = written(event)
        to, media = f"/api/v1/events/{channel}?region=north", "application/cloudevents+json"
        answer = client.post(to, body, content_type=media, headers=signed(body, secret))
        assert answer.status_code == 200
    handle_all(queue)
    visit = Appointment.objects.get()
    assert (visit.state, visit.lab_orders.get().state) == ("sample_collected", "collected")
    assert (visit.pos_orders.get().state, visit.pos_orders.get().paid) == ("paid", 3000)
    assert not Unmatched.objects.exists()


@pytest.fixture
def _threads_keep_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener's threads end with the test, and so do their connections to the test's database."""
    answer = Listener.answer

    def closing(self: Listener, body: bytes) -> bytes:
        try:
            return answer(self, body)
        finally:
            connection.close()

    monkeypatch.setattr(Listener, "answer", closing)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_threads_keep_no_connection")
def test_a_result_over_mllp_moves_its_appointment(north: Region, queue: Redis) -> None:
    """[S4-03]"""
    make_booking(north)
    with listening(north) as port:
        sender = Sender(port)
        assert said(sender.tell(oru("M1", state="I", visit="A-7"))) == ("AA", "M1")
        handle_all(queue)
        assert Appointment.objects.get().state == "in_progress"
        assert said(sender.tell(oru("M2", visit="A-7"))) == ("AA", "M2")
        sender.socket.close()
    handle_all(queue)
    visit = Appointment.objects.get()
    assert (visit.state, visit.lab_orders.get().accession) == ("completed", "F-9")


@pytest.fixture
def visit(clinic: Clinic, queue: Redis) -> Appointment:
    """One with a lab order and an order at the till, and an event that belongs to nothing."""
    visit = book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")
    tell(clinic.region, "lis.sample.rejected", test_code="GLU-9", specimen_id="S-1", reason_code="QS")
    tell(clinic.region, "pos.order.paid", "PO-1", amount="1234.50", currency="USD", payment_id="PAY-1")
    tell(clinic.region, "lis.sample.collected", "O-9", appointment_id="typo", occurred_at=moment(1))
    handle_all(queue)
    return visit


def pages_of(visit: Appointment) -> list[str]:
    return [
        f"booking/appointment/{visit.pk}/change/",
        f"booking/laborder/{visit.lab_orders.get().pk}/change/",
        f"booking/posorder/{visit.pos_orders.get().pk}/change/",
        f"events/unmatched/{Unmatched.objects.get().pk}/change/",
    ]


@pytest.mark.django_db
def test_the_appointments_page_shows_what_was_told_with_its_times(clinic: Clinic, visit: Appointment) -> None:
    """[S4-03] [S4-05]"""
    text = text_of(signed_in(clinic), pages_of(visit)[0])
    for line in (
        "O-7",
        "GLU-9",
        "rejected, to be collected again",
        "specimen S-1",
        "reason QS",
        "1,234.50 USD",
        "PAY-1",
    ):
        assert line in text
    masked = text_of(signed_in(clinic, "viewer"), pages_of(visit)[0])
    assert "GLU-9" not in masked
    assert MASKED in masked


@pytest.mark.django_db
def test_the_lists_show_each_order_and_lead_to_its_appointment(clinic: Clinic, visit: Appointment) -> None:
    client = signed_in(clinic)
    assert "O-7" in text_of(client, "booking/laborder/?state=rejected")
    assert "O-7" not in text_of(client, "booking/laborder/?state=resulted")
    assert "1,234.50 USD" in text_of(client, "booking/posorder/")
    for path in pages_of(visit)[1:3]:
        assert client.get(f"/admin/{path}")["Location"].endswith(pages_of(visit)[0])


@pytest.mark.django_db
def test_outsiders_see_none_of_it(clinic: Clinic, elsewhere: Clinic, visit: Appointment, client: Client) -> None:
    outsider, without = signed_in(elsewhere), signed_in(clinic, "")
    for path in pages_of(visit):
        assert outsider.get(f"/admin/{path}").status_code == 404, path
        assert without.get(f"/admin/{path}").status_code == 403, path
    for path in ("booking/laborder/", "booking/posorder/"):
        text = text_of(outsider, path)
        assert not {"O-7", "PO-1", clinic.region.display_name} & set(text.split()), path
        assert "O-" not in text, path
        assert without.get(f"/admin/{path}").status_code == 403, path
        assert client.get(f"/admin/{path}")["Location"].startswith("/admin/login/"), path


@pytest.mark.django_db
def test_a_person_settles_what_belongs_to_nothing(
    clinic: Clinic, elsewhere: Clinic, visit: Appointment, queue: Redis
) -> None:
    """[S4-03] To an appointment of the event's region alone; viewers settle nothing."""
    theirs = book(elsewhere.wish(MONDAY), FRONT_DESK, external_id="A-5")
    other = book(clinic.wish(MONDAY + 60 * MINUTE), FRONT_DESK)
    page, client = f"/admin/{pages_of(visit)[3]}", signed_in(clinic)
    form = {"settle": "1", "belongs_to": str(other.pk)}
    assert signed_in(clinic, "viewer").post(page, form).status_code == 403
    for wrong in (str(theirs.pk), "A-5", "", "nothing", "9" * 30):
        assert "errorlist" in client.post(page, {**form, "belongs_to": wrong}).content.decode(), wrong
    assert client.post(page, form).status_code == 302
    handle_all(queue)
    row = Unmatched.objects.get()
    assert (row.state, row.matched, row.decided_by is not None) == ("matched", f"appointment/{other.pk}", True)
    other.refresh_from_db()
    assert other.state == "sample_collected"


@pytest.mark.django_db
def test_the_api_reports_it_to_staff_and_to_the_patient_alone(
    clinic: Clinic, elsewhere: Clinic, visit: Appointment, portal: Portal, other_patient: Any
) -> None:
    """[S4-03] [S4-05] [S4-12]"""
    path = f"/api/v1/appointments/{visit.pk}/"
    (lab,), (sold,) = (client_of(clinic).get(path).json()[name] for name in ("lab_orders", "pos_orders"))
    assert (lab["number"], lab["test_code"], lab["state"], lab["events"][0]["kind"]) == (
        "O-7", "GLU-9", "rejected", "rejected",
    )  # fmt: skip
    assert (sold["number"], sold["paid_cents"], sold["ordered_cents"], sold["state"]) == ("PO-1", 123450, None, "paid")
    assert portal().get(path).json()["lab_orders"][0]["test_code"] == "GLU-9"
    assert (
        client_of(clinic, role="viewer", verbs=["appointments:read"])
        .get(path)
        .json()["lab_orders"][0]["test_code"]
        .startswith(MASKED[:1])
    )
    assert client_of(elsewhere).get(path).status_code == portal(other_patient).get(path).status_code == 404


@pytest.mark.django_db
def test_an_anonymous_patients_orders_have_no_numbers(visit: Appointment, clinic: Clinic) -> None:
    """[X-19] The money that was paid is kept, and with it the patient's rows."""
    with pytest.raises(RemovalRefused, match="was paid for"):
        remove(visit.patient, "delete", FRONT_DESK)
    remove(visit.patient, "anonymise", FRONT_DESK)
    lab, sold = LabOrder.objects.get(), PosOrder.objects.get()
    assert (lab.number, lab.events.get().specimen, sold.number, sold.events.get().payment) == ("", "", "", "")
    assert (lab.state, sold.paid) == ("rejected", 123450)
