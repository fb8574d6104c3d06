"""From an appointment to a message at Twilio, and the ledger that says why (contract S3-06, S3-08, X-15, X-16)."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import FROM, Twilio
from clinic.booking.book import book, move
from clinic.notices import opting, sending
from clinic.notices.channels import Channels
from clinic.notices.models import Notice, NoticeStep
from clinic.notices.planning import scheduled
from clinic.notices.scheduling import schedule
from regions.sync.models import UndeliverablePhone
from tests.booking.world import FRONT_DESK, Clinic
from tests.notices.world import at, booked, cancelled, ledger, moved, sent, texts, told

Clock = time_machine.Traveller
Peer = HttpPeer[Twilio]


def goes_on(clock: Clock, clinic: Clinic, when: str) -> None:
    """It is then, and what is due by then is sent."""
    clock.move_to(at(when, clinic), tick=False)
    schedule(clinic.region)
    sent(clinic)


def test_a_visit_is_confirmed_reminded_of_twice_and_each_once(now: Clock, clinic: Clinic, twilio: Peer) -> None:
    """[S3-06] [X-15]"""
    visit = booked(clinic, "2026-03-02 14:00")
    sent(clinic)
    assert scheduled(visit)
    for when in ("2026-03-02 07:59", "2026-03-02 08:00", "2026-03-02 08:01", "2026-03-02 12:00", "2026-03-02 13:00"):
        goes_on(now, clinic, when)
        told(clinic)
    assert [state for state, _ in ledger(visit).values()] == ["sent"] * 3
    assert list(ledger(visit)) == [
        "confirmation 03-01 10:00", "reminder_morning 03-02 08:00", "reminder_before 03-02 12:00",
    ]  # fmt: skip
    assert list(texts(twilio.vendor)) == [
        "West: Your appointment is booked for Monday, March 2 at 2:00 PM. Reply STOP to end.",
        "West: A reminder of your appointment on Monday, March 2 at 2:00 PM. Reply STOP to end.",
        "West: We expect you on Monday, March 2 at 2:00 PM. Reply STOP to end.",
    ]
    assert set(ledger(visit, "email").values()) == {("not_sent", "no_contact")}


def test_a_move_takes_back_what_was_planned_and_a_move_back_plans_it_again(
    now: Clock, clinic: Clinic, twilio: Peer
) -> None:
    """[S3-08]"""
    visit = booked(clinic, "2026-03-02 14:00")
    moved(clinic, visit, "2026-03-02 16:00")
    assert ledger(visit) == {
        "confirmation 03-01 10:00": ("withdrawn", "moved"),
        "reschedule 03-01 10:00": ("planned", ""),
        "reminder_morning 03-02 08:00": ("planned", "replanned"),
        "reminder_before 03-02 12:00": ("withdrawn", "moved"),
        "reminder_before 03-02 14:00": ("planned", ""),
    }
    now.shift(timedelta(minutes=1))
    moved(clinic, visit, "2026-03-02 14:00")
    assert ledger(visit)["reminder_before 03-02 12:00"] == ("planned", "replanned")
    assert ledger(visit)["reminder_before 03-02 14:00"] == ("withdrawn", "moved")
    sent(clinic)
    assert list(texts(twilio.vendor)) == [
        "West: Your appointment is now on Monday, March 2 at 2:00 PM. Reply STOP to end."
    ]


def test_a_cancelled_visit_is_told_of_and_reminded_of_no_more(now: Clock, clinic: Clinic, twilio: Peer) -> None:
    visit = booked(clinic, "2026-03-02 14:00")
    cancelled(clinic, visit)
    goes_on(now, clinic, "2026-03-02 12:00")
    assert ledger(visit)["reminder_morning 03-02 08:00"] == ("withdrawn", "cancelled")
    assert [" is cancelled" in text for text in texts(twilio.vendor)] == [True]


def test_who_came_early_is_not_reminded_and_who_did_not_come_is_told(now: Clock, clinic: Clinic, twilio: Peer) -> None:
    early, gone = booked(clinic, "2026-03-01 14:00"), booked(clinic, "2026-03-01 15:00")
    move(early, "arrived", FRONT_DESK)
    now.move_to(at("2026-03-01 22:00", clinic), tick=False)
    move(gone, "missed", FRONT_DESK)
    told(clinic)
    assert ledger(early)["reminder_before 03-01 12:00"] == ("withdrawn", "came")
    assert ledger(gone)["missed 03-02 08:00"] == ("planned", "")  # not at night


def test_what_is_booked_late_or_at_night_is_not_sent_for_a_time_that_is_past(now: Clock, clinic: Clinic) -> None:
    """[X-16]"""
    now.move_to(at("2026-03-01 22:00", clinic), tick=False)
    visit = booked(clinic, "2026-03-02 07:30")
    assert ledger(visit) == {
        "reminder_morning 03-01 20:00": ("not_sent", "booked_late"),
        "reminder_before 03-01 20:00": ("not_sent", "same_moment"),
        "confirmation 03-02 08:00": ("not_sent", "quiet"),
    }


def test_after_thirty_hours_of_downtime_what_is_still_useful_is_sent_and_the_rest_named(
    now: Clock, clinic: Clinic, twilio: Peer
) -> None:
    """From Sunday at ten until Monday at four: planned and not sent, never planned, and told of by nobody."""
    planned, later = booked(clinic, "2026-03-02 11:00"), booked(clinic, "2026-03-02 20:00")
    told_late = book(clinic.wish(at("2026-03-04 09:00", clinic)), FRONT_DESK)
    Notice.objects.exclude(appointment=planned).delete()
    unplanned = book(clinic.wish(at("2026-03-02 15:00", clinic)), FRONT_DESK)
    now.move_to(at("2026-03-02 16:00", clinic), tick=False)
    missed = schedule(clinic.region).missed
    assert {(row.appointment_id, row.kind) for row in missed if row.channel == "sms"} == {
        (planned.pk, "confirmation"), (planned.pk, "reminder_morning"), (planned.pk, "reminder_before"),
        (unplanned.pk, "reminder_morning"), (unplanned.pk, "reminder_before"),
    }  # fmt: skip
    assert {(row.state, row.reason) for row in missed} == {("not_sent", "past")}
    assert schedule(clinic.region).missed == []
    told(clinic)
    sent(clinic)
    begins = [text.partition(": ")[2][:16] for text in texts(twilio.vendor)]
    assert begins == ["Your appointment", "Your appointment", "A reminder of yo"]
    assert ledger(later)["reminder_morning 03-02 08:00"] == ("sent", "")
    assert ledger(told_late)["confirmation 03-01 10:00"] == ("sent", "")


def test_what_falls_due_just_before_the_night_waits_for_the_morning(now: Clock, clinic: Clinic) -> None:
    visit = booked(clinic, "2026-03-05 14:00")
    now.move_to(at("2026-03-01 20:59:30", clinic), tick=False)
    sent(clinic)
    notice = Notice.objects.get(appointment=visit, channel="sms")
    assert (notice.state, notice.reason, notice.try_at) == ("planned", "night", at("2026-03-02 08:00", clinic))
    now.move_to(at("2026-03-02 19:00", clinic), tick=False)
    sent(clinic)
    notice.refresh_from_db()
    assert notice.valid_until == at("2026-03-02 21:00", clinic)  # Twilio drops it then


def test_an_unanswered_send_is_settled_by_a_look_up_and_never_sent_again_blindly(
    now: Clock, clinic: Clinic, twilio: Peer
) -> None:
    visit = booked(clinic, "2026-03-05 14:00")
    twilio.vendor.control({"next": {"drop_after": 1}})
    sent(clinic)
    (found,) = ledger(visit).values()
    assert found in {("delivered", "found"), ("sent", "found"), ("maybe_sent", "unanswered")}
    now.shift(timedelta(minutes=11))
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"][0] in ("sent", "delivered")
    assert len(twilio.vendor.messages.all()) == 1


def test_what_twilio_never_had_is_sent_again_once_it_cannot_have_it(now: Clock, clinic: Clinic, twilio: Peer) -> None:
    visit = booked(clinic, "2026-03-05 14:00")
    twilio.vendor.control({"next": {"drop": 1}})
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("maybe_sent", "unanswered")
    now.shift(timedelta(hours=1))
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("maybe_sent", "unanswered")
    now.shift(timedelta(hours=3, minutes=11))
    sent(clinic)
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("sent", "")
    assert len(twilio.vendor.messages.all()) == 1
    states = list(NoticeStep.objects.filter(notice__channel="sms").values_list("state", "reason"))
    assert states == [
        ("planned", ""), ("sending", ""), ("maybe_sent", "unanswered"), ("planned", "not_there"), ("sending", ""),
        ("sent", ""),
    ]  # fmt: skip


def test_a_sender_that_ends_leaves_a_row_that_may_have_been_sent(
    now: Clock, clinic: Clinic, twilio: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is at Twilio, the answer never came to be written down."""
    visit = booked(clinic, "2026-03-05 14:00")

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sending, "note_answer", end)
        with pytest.raises(KeyboardInterrupt):
            sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("sending", "")
    sent(clinic)
    now.shift(timedelta(minutes=16))
    sent(clinic)
    now.shift(timedelta(minutes=16))
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"][0] in ("sent", "delivered")
    assert len(twilio.vendor.messages.all()) == 1


def test_a_busy_vendor_is_asked_again_later_and_a_refused_account_holds(
    now: Clock, clinic: Clinic, twilio: Peer
) -> None:
    visit = booked(clinic, "2026-03-05 14:00")
    twilio.vendor.control({"next": {"http429": 1}})
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("planned", "busy")
    twilio.vendor.token, token = "another", twilio.vendor.token
    now.shift(timedelta(minutes=2))
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("planned", "account")
    twilio.vendor.token = token
    now.shift(timedelta(minutes=5))
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("sent", "")


def test_a_number_that_does_not_exist_is_reported_and_not_written_to_again(now: Clock, clinic: Clinic) -> None:
    clinic.patient.phone = "+15005550009"
    clinic.patient.save()
    visit = booked(clinic, "2026-03-05 14:00")
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("failed", "address")
    assert UndeliverablePhone.objects.get(region=clinic.region).reason == "landline"
    cancelled(clinic, visit)
    sent(clinic)
    assert ledger(visit)["cancellation 03-01 10:00"] == ("not_sent", "bounced")


def test_who_has_written_stop_gets_nothing_until_start(now: Clock, clinic: Clinic, twilio: Peer, settings: Any) -> None:
    """At once, for good, and with a new SECRET_KEY as well."""
    number = str(clinic.patient.phone)
    assert opting.heed(clinic.region, number, " Stop. ", "SM1") == "stop"
    settings.SECRET_KEY = "another"
    visit = booked(clinic, "2026-03-05 14:00")
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("not_sent", "opted_out")
    assert opting.heed(clinic.region, number, "START", "SM2") == "start"
    opting.heed(clinic.region, number, "Stop", "SM1")  # Twilio's second try
    now.shift(timedelta(minutes=1))
    cancelled(clinic, visit)
    sent(clinic)
    assert ledger(visit)["cancellation 03-01 10:01"] == ("sent", "")
    assert opting.heed(clinic.region, number, "see you", "SM3") == ""


def test_what_twilio_says_of_stop_is_believed(clinic: Clinic, twilio: Peer) -> None:
    twilio.vendor.opted_out.add(str(clinic.patient.phone))
    visit = booked(clinic, "2026-03-05 14:00")
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("not_sent", "opted_out")
    assert opting.is_stopped(clinic.region, str(clinic.patient.phone))


def test_two_senders_never_send_one_row(clinic: Clinic, twilio: Peer) -> None:
    """The second one finds it claimed, whether it looked before or after."""
    booked(clinic, "2026-03-05 14:00")
    with Channels(clinic.region) as line:
        notice = Notice.objects.get(channel="sms")
        assert sending.claim(notice.pk, line) is not None
        assert sending.claim(notice.pk, line) is None
        assert not sending.send_one(notice.pk, line)
    assert twilio.vendor.messages.all() == []


def test_a_region_without_an_account_says_so(clinic: Clinic) -> None:
    clinic.region.env_vars = {"TWILIO_FROM": FROM}
    clinic.region.save()
    visit = booked(clinic, "2026-03-05 14:00")
    sent(clinic)
    assert ledger(visit)["confirmation 03-01 10:00"] == ("not_sent", "channel_off")
