"""An offer of the waitlist is told while it is open, never at night, and the desk sees whether it was (X-16)."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import Twilio
from clinic.booking.desk import expire_holds
from clinic.booking.models import WaitlistEntry
from clinic.booking.waiting import Waiting, join, withdraw
from clinic.events.models import Outbox
from clinic.notices.jobs import tell_of_event
from clinic.notices.models import Notice
from clinic.notices.texts import text_of
from tests.booking.test_pages import signed_in
from tests.booking.test_pages import text_of as page_of
from tests.booking.world import Clinic, PatientFactory
from tests.notices.world import at, sent, texts

Clock = time_machine.Traveller
Peer = HttpPeer[Twilio]
pytestmark = pytest.mark.django_db


def offered(clinic: Clinic, begins: str) -> WaitlistEntry:
    """In line for a slot that is free, which is therefore offered at once; and told of."""
    start = at(begins, clinic)
    wish = Waiting(type=clinic.check, patient=clinic.patient, earliest=start, latest=start + timedelta(minutes=30))
    entry = join(wish)
    for _ in range(2):
        tell_of_event(Outbox.objects.filter(type="waitlist.offered").latest("pk").pk)
    return entry


def told() -> list[tuple[str, str]]:
    return list(Notice.objects.filter(channel="sms", kind="waitlist_offer").values_list("state", "reason"))


def test_an_offer_is_told_at_once_and_once_and_the_desk_sees_it(clinic: Clinic, twilio: Peer) -> None:
    offered(clinic, "2026-03-02 14:00")
    sent(clinic)
    assert list(texts(twilio.vendor)) == [
        "West: A time is free for you: Monday, March 2 at 2:00 PM. It is yours if you call us by Sunday, March 1,"
        " 12:00 PM. Reply STOP to end."
    ]
    assert told() == [("sent", "")]
    page = page_of(signed_in(clinic, "operator"), "booking/waitlistentry/?state__exact=offered")
    for words in ("Held until", "Patient told", '"Patient told">yes<'):
        assert words in page


def test_by_night_it_waits_for_the_morning_and_so_does_its_hold(now: Clock, clinic: Clinic, twilio: Peer) -> None:
    now.move_to(at("2026-03-01 22:30", clinic), tick=False)
    entry = offered(clinic, "2026-03-02 14:00")
    assert entry.hold is not None
    assert (told(), entry.hold.expires_at) == ([("planned", "")], at("2026-03-02 10:00", clinic))
    now.move_to(at("2026-03-02 08:00", clinic), tick=False)
    sent(clinic)
    assert told() == [("sent", "")]


def test_a_slot_before_the_morning_is_the_desks_to_tell(now: Clock, clinic: Clinic) -> None:
    now.move_to(at("2026-03-01 22:30", clinic), tick=False)
    entry = offered(clinic, "2026-03-02 07:00")
    assert entry.hold is not None
    assert (told(), entry.hold.expires_at) == ([("not_sent", "quiet")], timezone.now() + timedelta(minutes=120))


def test_an_offer_that_was_declined_is_not_told(now: Clock, clinic: Clinic, twilio: Peer) -> None:
    now.move_to(at("2026-03-01 22:30", clinic), tick=False)
    withdraw(offered(clinic, "2026-03-02 14:00"))
    now.move_to(at("2026-03-02 08:00", clinic), tick=False)
    sent(clinic)
    assert told() == [("withdrawn", "offer_over")]
    assert not list(texts(twilio.vendor))


def test_an_offer_that_nobody_took_goes_to_the_next_within_a_minute(
    now: Clock, clinic: Clinic, twilio: Peer, capsys: pytest.CaptureFixture[str]
) -> None:
    """[S4-07] By cron alone: nobody comes to the desk, and before that the command asks the database once."""
    first = offered(clinic, "2026-03-02 14:00")
    start = first.earliest
    waits = Waiting(
        type=clinic.check, patient=PatientFactory.create(region=clinic.region, phone="+13125550142"), earliest=start,
        latest=start + timedelta(minutes=30),
    )  # fmt: skip
    second = join(waits)
    command = ("send_notifications", "--region", clinic.region.name, "--here")
    assert first.hold is not None
    now.move_to(first.hold.expires_at - timedelta(seconds=1), tick=False)
    call_command(*command)
    assert states(first, second) == ["offered", "waiting"]
    now.move_to(first.hold.expires_at, tick=False)
    call_command(*command, "--json")
    assert json.loads(capsys.readouterr().out)["holds_ended"] == 1
    assert states(first, second) == ["lapsed", "offered"]
    tell_of_event(Outbox.objects.filter(type="waitlist.offered").latest("pk").pk)
    assert [message.to for message in twilio.vendor.messages.all()] == ["+13125550100", "+13125550142"]


def test_looking_for_offers_that_are_over_costs_one_query(
    clinic: Clinic, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    offered(clinic, "2026-03-02 14:00")
    with django_assert_num_queries(1):
        assert expire_holds(clinic.region) == 0


def states(*entries: WaitlistEntry) -> list[str]:
    return [WaitlistEntry.objects.get(pk=entry.pk).state for entry in entries]


@pytest.mark.parametrize("language", ["en", "es"])
def test_it_has_a_text_in_each_language(clinic: Clinic, language: str) -> None:
    spoken, text = text_of(clinic.region, "waitlist_offer", language)
    assert spoken == language
    assert "{until}" in text.short
