"""Each of cron's commands, started twice at the same moment, does its work once."""

from collections import Counter
from collections.abc import Iterator
from datetime import time, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from redis import Redis

from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import ACCOUNT, FROM, Twilio
from clinic.booking.book import book, hold
from clinic.booking.models import Appointment, Hold
from clinic.care.models import EligibilityReport, StateCheck
from clinic.events.models import Outbox
from clinic.notices.bedtime import enrol
from clinic.notices.models import Notice, NoticeStep
from regions.models import Region
from tests.booking.crowd import crowd
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, NOW, Clinic, make_clinic
from tests.care.world import Peer, insured
from tests.notices.world import told

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "a-token-of-this-test"
WAITING = "rq:queue:notifications"


@pytest.fixture
def clinic(north: Region) -> Clinic:
    """An appointment on Monday at eight, booked on Sunday; its event is told to nobody."""
    with time_machine.travel(NOW, tick=True):
        clinic = make_clinic(north)
        book(clinic.wish(MONDAY), FRONT_DESK)
    return clinic


@pytest.fixture
def twilio(north: Region, settings: Any) -> Iterator[HttpPeer[Twilio]]:
    account = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": FROM}
    north.env_vars = {**north.env_vars, **account}
    north.save()
    with HttpPeer(Twilio(token=TOKEN)) as peer:
        settings.TWILIO_URL = peer.url
        yield peer


def twice(command: str, *arguments: str, **when: Any) -> "Counter[str]":
    """What the command printed, or how it ended, in each of two processes."""

    def act() -> str:
        said = StringIO()
        with time_machine.travel(MONDAY + timedelta(**when), tick=True):
            call_command(command, "--region", "north", *arguments, stdout=said)
        return said.getvalue().strip()

    answers = crowd(2, 1, act)
    assert all(not word or word.startswith("{") or "already" in word for word in answers), answers
    return answers


def test_reminders_are_planned_once_and_one_job_waits(clinic: Clinic, queue: Redis) -> None:
    """[S3-17]"""
    twice("schedule_notifications", hours=-2)
    assert Counter(Notice.objects.values_list("kind", flat=True)) == {"reminder_morning": 3, "reminder_before": 3}
    assert NoticeStep.objects.count() == 6
    assert queue.llen(WAITING) == 1


def test_what_is_due_is_sent_once(clinic: Clinic, twilio: HttpPeer[Twilio], queue: Redis) -> None:
    """[S3-06]"""
    with time_machine.travel(NOW, tick=True):
        told(clinic)
    twice("send_notifications", "--here", days=-1, hours=5)
    assert Notice.objects.filter(channel="sms", state__in=("sent", "delivered")).count() == 1
    assert len(twilio.vendor.messages.all()) == 1


def test_the_message_of_the_evening_is_planned_once(clinic: Clinic, queue: Redis) -> None:
    """[S3-16]"""
    with time_machine.travel(NOW, tick=True):
        enrol(clinic.patient, time(7, 59))
    twice("send_bedtime_messages", minutes=1)
    assert NoticeStep.objects.filter(notice__kind="bedtime").count() == 1
    assert queue.llen(WAITING) == 1


def test_a_payer_is_asked_once(north: Region, peer: Peer, queue: Redis) -> None:
    """[S3-04]"""
    insured(north)
    twice("check_eligibility", "--wait")
    assert (peer.vendor.billed, EligibilityReport.objects.get().calls) == (1, 1)


def test_who_did_not_come_is_missed_once(clinic: Clinic, queue: Redis) -> None:
    """[S3-07] [S3-18]"""
    twice("track_appointment_states", "--wait", minutes=61)
    assert Appointment.objects.get().state == "missed"
    assert Outbox.objects.filter(type="appointment.missed").count() == 1
    assert StateCheck.objects.count() == 1


def test_what_is_over_is_cleaned_up_once(clinic: Clinic) -> None:
    with time_machine.travel(NOW, tick=True):
        held = hold(clinic.wish(MONDAY + 60 * MINUTE))
    answers = twice("clean_up", "--json", hours=1)
    assert sum(word.count('"holds": 1') * number for word, number in answers.items()) == 1
    assert Hold.objects.get(pk=held.pk).state == "expired"
