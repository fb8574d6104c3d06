"""What laboratories sent goes with the patient, or once nobody needs it (contract S3-14, S4-03)."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from clinic.booking.book import book
from clinic.care.removal.removing import preview, remove
from clinic.events.consumers import consumers
from clinic.events.inbound import cloudevents
from clinic.events.inbound.adopting import adopt
from clinic.events.inbound.forgetting import LINK
from clinic.events.inbound.hl7v2 import header_of, told_by
from clinic.events.inbound.matching import dismiss
from clinic.events.inbound.storing import Message, Told, store
from clinic.events.models import Inbound, Inbox, Outbox, Subject, Unmatched
from clinic.events.retention import forget_events, forget_messages
from regions.models import Region
from tests.booking.conftest import clinic, now
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic, PatientFactory
from tests.events.senders import oru
from tests.factories import UserFactory

__all__ = ["clinic", "now"]
pytestmark = pytest.mark.django_db


def result(region: Region, control_id: str, *, order: str = "O-7", visit: str = "A-1") -> bool:
    """A laboratory sends one, with the patient's name in it; whether it is new."""
    body = oru(control_id, order=order, visit=visit)
    message = Message(channel="lis", protocol="mllp", id=control_id, body=body)
    return store(region, message, told_by(body, header_of(body), region.zone))


@pytest.mark.parametrize("how", ["delete", "anonymise"])
def test_with_the_patient_go_the_messages_and_the_numbers_in_events(clinic: Clinic, how: str) -> None:
    book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")
    other = PatientFactory.create(region=clinic.region)
    book(clinic.wish(MONDAY + 60 * MINUTE, patient=other), FRONT_DESK, external_id="A-2")
    result(clinic.region, "M1")
    result(clinic.region, "M2", order="O-8", visit="A-2")
    assert ("inbound messages", 1) in preview(clinic.patient).counts
    remove(clinic.patient, how, FRONT_DESK)
    gone, kept = Inbound.objects.order_by("pk")
    assert (gone.body, "EXAMPLE" in kept.body) == ("", True)
    told = str([*Outbox.objects.values_list("subject", "data"), *Subject.objects.values_list("name")])
    assert [number in told for number in ("A-1", "O-7", "A-2", "O-8")] == [False, False, True, True]
    assert not result(clinic.region, "M1")
    assert result(clinic.region, "M3")  # belongs to nothing any more
    assert Unmatched.objects.get().event.subject == "lis/O-7"


def test_a_message_that_is_settled_is_emptied_and_one_that_waits_for_a_person_is_not(clinic: Clinic) -> None:
    book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")
    result(clinic.region, "M1")
    result(clinic.region, "M2", order="O-8", visit="typo")
    month_ago = timezone.now() - timedelta(days=31)
    Outbox.objects.update(recorded_at=month_ago, published_at=month_ago)
    assert forget_messages(month_ago) == 0
    for event in Outbox.objects.all():
        Inbox.objects.bulk_create(Inbox(consumer=consumer.name, event=event) for consumer in consumers())
    assert forget_events(timezone.now()) == 1  # of the booking: the others' messages are kept
    assert [forget_messages(timezone.now()) for _ in range(2)] == [1, 0]
    assert ["EXAMPLE" in row.body for row in Inbound.objects.order_by("pk")] == [False, True]
    assert forget_events(timezone.now()) == 1
    dismiss(Unmatched.objects.get(), UserFactory.create(), "a typo")
    assert forget_messages(timezone.now()) == 1
    assert not result(clinic.region, "M1")


def before_events_named_their_messages() -> None:
    for event in Outbox.objects.filter(data__has_key=LINK):
        event.data = {name: value for name, value in event.data.items() if name != LINK}
        event.save(update_fields=["data"])


def adopted() -> tuple[int, int]:
    return adopt(Inbound.objects, Outbox.objects)


@pytest.mark.parametrize("how", ["delete", "anonymise"])
def test_messages_from_before_events_named_theirs_go_with_their_patient(clinic: Clinic, how: str) -> None:
    """Led by what they carry, HL7 and CloudEvents; a message of another patient's visit is not touched."""
    book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")
    other = PatientFactory.create(region=clinic.region)
    book(clinic.wish(MONDAY + 60 * MINUTE, patient=other), FRONT_DESK, external_id="A-2")
    result(clinic.region, "M1")
    result(clinic.region, "M2", order="O-8", visit="A-2")
    said = {"appointment_id": "A-1"}
    event = {"type": "pos.order.paid", "subject": "PO-1", "source": "till", "id": "1", "data": said}
    webhook = Message(channel="pos", protocol="webhook", id="W1", body=json.dumps(event).encode())
    store(clinic.region, webhook, [cloudevents.told_by("pos", event)])
    before_events_named_their_messages()
    assert preview(clinic.patient).told == ""
    assert adopted() == (3, 0)
    assert adopted() == (0, 0)
    assert preview(clinic.patient).told == "2 messages of laboratories and tills"
    remove(clinic.patient, how, FRONT_DESK)
    assert [bool(row.body) for row in Inbound.objects.order_by("message_id")] == [False, True, False]


def test_what_cannot_be_led_to_its_events_is_emptied(clinic: Clinic) -> None:
    """Nobody would find it; what was used of it stays in its events."""
    result(clinic.region, "M1")
    garbage = Message(channel="lis", protocol="mllp", id="M2", body=b"Ada Okonkwo")
    store(clinic.region, garbage, [Told(type="lis.sample.collected", subject="lis/O-9", data={})])
    before_events_named_their_messages()
    assert adopted() == (1, 1)
    assert [bool(row.body) for row in Inbound.objects.order_by("message_id")] == [True, False]
    assert Outbox.objects.filter(subject="lis/O-9").exists()
