"""Two texts that are alike, to one phone: each is sent once (contract X-15)."""

from datetime import timedelta

import pytest
import time_machine

from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import Twilio
from clinic.booking.models import Appointment
from clinic.notices.models import Notice
from tests.booking.world import Clinic, PatientFactory, ResourceFactory
from tests.notices.world import booked, sent

Clock = time_machine.Traveller
Peer = HttpPeer[Twilio]
pytestmark = pytest.mark.django_db


@pytest.fixture
def siblings(clinic: Clinic) -> tuple[Appointment, Appointment]:
    """Of one phone, both at one hour."""
    other = ResourceFactory.create(region=clinic.region)
    other.hours.update(begins="00:00", ends="00:00")
    sibling = PatientFactory.create(region=clinic.region)
    return booked(clinic, "2026-03-11 10:00"), booked(clinic, "2026-03-11 10:00", patient=sibling)


def states() -> list[str]:
    return list(Notice.objects.filter(channel="sms").order_by("pk").values_list("state", flat=True))


@pytest.mark.parametrize(("fault", "at_vendor"), [("drop_after", 2), ("drop", 1)])
def test_the_one_without_an_answer_is_not_sent_again_for_the_others_message(
    now: Clock, siblings: tuple[Appointment, Appointment], clinic: Clinic, twilio: Peer, fault: str, at_vendor: int
) -> None:
    twilio.vendor.control({"next": {fault: 1}})
    sent(clinic)
    assert len(twilio.vendor.messages.all()) == at_vendor
    for minutes in (11, 260, 5):
        now.shift(timedelta(minutes=minutes))
        sent(clinic)
    assert set(states()) <= {"sent", "delivered"}
    assert len(twilio.vendor.messages.all()) == 2
    assert len(set(Notice.objects.filter(channel="sms").values_list("vendor_id", flat=True))) == 2


def test_none_is_taken_while_the_other_waits_for_its_answer(
    now: Clock, siblings: tuple[Appointment, Appointment], clinic: Clinic, twilio: Peer
) -> None:
    """The message that Twilio has may be the one in hand."""
    twilio.vendor.control({"next": {"drop": 1}})
    sent(clinic)
    rows = Notice.objects.filter(channel="sms").order_by("pk")
    in_hand = rows.exclude(state="maybe_sent").get()
    Notice.objects.filter(pk=in_hand.pk).update(
        state="sending", vendor_id="", try_at=in_hand.try_at + timedelta(hours=1)
    )
    now.shift(timedelta(minutes=11))
    sent(clinic)
    assert sorted(states()) == ["maybe_sent", "sending"]
