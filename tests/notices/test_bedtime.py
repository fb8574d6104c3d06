"""Bed Time Buddy and the commands (contract S3-16, S3-17)."""

import json
from datetime import time, timedelta
from io import StringIO
from typing import Any

import time_machine
from django.core.management import call_command
from redis import Redis

from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import Twilio
from clinic.notices.bedtime import enrol, leave, plan_bedtime
from clinic.notices.jobs import QUEUE, send_region, tell_of_event
from clinic.notices.models import Notice
from tests.booking.world import Clinic
from tests.notices.world import at, booked, sent, texts

Clock = time_machine.Traveller


def said(command: str, **options: Any) -> str:
    out = StringIO()
    call_command(command, region="west", stdout=out, **options)
    return out.getvalue()


def test_each_day_has_one_message_at_the_patients_own_time(
    now: Clock, clinic: Clinic, twilio: HttpPeer[Twilio], queue: Redis
) -> None:
    """At 21:30, on the day on which the clock is put forward as well; quiet hours do not hold for it."""
    enrol(clinic.patient, time(21, 30))
    for when in ("03-07 21:29", "03-07 21:30", "03-07 21:31", "03-08 21:30", "03-08 21:32"):
        now.move_to(at(f"2026-{when}", clinic), tick=False)
        said("send_bedtime_messages")
        said("send_bedtime_messages")
        send_region(clinic.region.pk)
    rows = Notice.objects.filter(kind="bedtime", state="sent").order_by("day")
    assert [f"{row.day} {row.scheduled_for.astimezone(clinic.region.zone):%H:%M}" for row in rows] == [
        "2026-03-07 21:30", "2026-03-08 21:30",
    ]  # fmt: skip
    assert list(texts(twilio.vendor)) == ["West: It is time for bed. Sleep well. Reply STOP to end."] * 2
    enrol(clinic.patient, time(22))  # another time on the same day is no second message
    now.move_to(at("2026-03-08 22:30", clinic), tick=False)
    assert plan_bedtime(clinic.region) == []


def test_days_that_were_missed_are_named_and_not_made_up(now: Clock, clinic: Clinic, queue: Redis) -> None:
    """After two days of downtime, half an hour late on the third."""
    enrol(clinic.patient, time(21))
    now.move_to(at("2026-03-03 21:30", clinic), tick=False)
    lines = said("send_bedtime_messages").splitlines()
    assert [line.split(": ", 1)[1] for line in lines] == ["not sent, its time had passed before it could be sent."] * 2
    assert "2026-03-01 21:00 PST" in lines[0]
    assert Notice.objects.get(state="planned").day.isoformat() == "2026-03-03"  # type: ignore[union-attr]


def test_the_sender_names_what_has_become_too_late(now: Clock, clinic: Clinic, queue: Redis) -> None:
    """Once: thirty hours after it was booked, the visit is over."""
    booked(clinic, "2026-03-02 11:00")
    now.shift(timedelta(hours=30))
    lines = said("send_notifications", here=True).splitlines()
    assert len(lines) == 9  # three messages by three channels
    assert all(line.endswith("not sent, its time had passed before it could be sent.") for line in lines)
    assert said("send_notifications", here=True) == ""


def test_who_has_left_gets_none(now: Clock, clinic: Clinic) -> None:
    enrolment = enrol(clinic.patient, time(21))
    now.move_to(at("2026-03-01 21:00", clinic), tick=False)
    plan_bedtime(clinic.region)
    assert leave(enrolment)
    assert not leave(enrolment)
    sent(clinic)
    row = Notice.objects.get()
    assert (row.state, row.reason) == ("withdrawn", "unsubscribed")
    now.shift(timedelta(days=1))
    assert plan_bedtime(clinic.region) == []


def test_the_commands_enqueue_one_job_with_one_id(
    now: Clock, clinic: Clinic, queue: Redis, django_capture_on_commit_callbacks: Any
) -> None:
    """[S3-17]"""
    booked(clinic, "2026-03-02 14:00")
    with django_capture_on_commit_callbacks(execute=True):
        figures = json.loads(said("schedule_notifications", json=True))
    assert figures == {"appointments": 1, "jobs": 1, "not_sent": []}
    assert json.loads(said("send_notifications", json=True))["jobs"] == 0  # it waits there already
    assert queue.llen(f"rq:queue:{QUEUE}") == 1
    assert said("schedule_notifications") == ""
    figures = json.loads(said("send_notifications", json=True, here=True))
    assert figures == {"handed_over": 1, "holds_ended": 0, "not_sent": []}


def test_the_job_of_a_published_event_plans_and_sends_it(clinic: Clinic, twilio: HttpPeer[Twilio]) -> None:
    """[S4-07]"""
    from clinic.booking.book import book
    from clinic.events.models import Outbox
    from tests.booking.world import FRONT_DESK

    book(clinic.wish(at("2026-03-05 14:00", clinic)), FRONT_DESK)
    number = Outbox.objects.get(type="appointment.booked").pk
    tell_of_event(number)
    tell_of_event(number)
    assert len(list(texts(twilio.vendor))) == 1
