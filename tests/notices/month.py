"""A month at a clinic: people book, move, cancel, come or stay away, write STOP; Twilio fails; senders end anywhere."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from django.core import mail

from backoffice.sandbox.twilio import Twilio
from clinic.booking.book import book, cancel, move, reschedule
from clinic.booking.models import Appointment
from clinic.booking.refusals import Refusal
from clinic.booking.states import EXPECTED
from clinic.notices import opting, sending
from clinic.notices.channels import Channels
from clinic.notices.models import Notice
from clinic.notices.scheduling import schedule
from clinic.patients.models import Patient
from tests.booking.world import FRONT_DESK, Clinic, PatientFactory
from tests.notices.reckoning import Done, Said
from tests.notices.world import consume

HALF, HOUR = timedelta(minutes=30), timedelta(hours=1)
FAULTS = ("drop", "drop_after", "http429", "http500", "garbage")
BAD_NUMBER = "+15005550009"


class Ended(BaseException):
    """The sender's process is gone."""


@dataclass
class Month:
    """`stopped`: of each number, from when to when; when and for whom `mailed`: the mail server was given something;
    `tried`: a vendor was to be given something."""

    clinic: Clinic
    vendor: Twilio
    clock: time_machine.Traveller
    chance: random.Random
    patients: list[Patient] = field(default_factory=list)
    done: Done = field(default_factory=Done)
    mailed: Counter[tuple[datetime, str]] = field(default_factory=Counter)
    tried: list[tuple[datetime, str]] = field(default_factory=list)
    stopped: dict[str, list[tuple[datetime, datetime | None]]] = field(default_factory=dict)
    seen: list[int] = field(default_factory=lambda: [0])
    ends_at: str = ""

    def populate(self, number: int) -> None:
        """One has a number that does not exist, one has no phone, some live in another zone, some have e-mail."""
        zones = ["", "", "", "America/New_York", "Pacific/Honolulu"]
        for one in range(number):
            phone = BAD_NUMBER if one == 0 else "" if one == 1 else f"+1415555{one:04}"
            zone, email = zones[one % len(zones)], f"p{one}@example.org" if one % 3 == 0 else ""
            fields = {"phone": phone, "time_zone": zone, "email": email}
            self.patients.append(PatientFactory.create(region=self.clinic.region, **fields))

    def run(self, begins: datetime, days: int, bookings: float) -> None:
        """Hour by hour."""
        now = begins
        while now < begins + timedelta(days=days):
            self.clock.move_to(now, tick=False)
            local = now.astimezone(self.clinic.region.zone)
            if local.hour == 6:
                schedule(self.clinic.region)
            if 7 <= local.hour < 23 and self.chance.random() < bookings / 16:
                self.act(now)
            self.attend(now)
            consume(self.seen)
            if self.chance.random() > 0.05:  # else nobody sends in this hour
                self.send(now)
            now += HOUR

    def act(self, now: datetime) -> None:
        """Somebody books; and perhaps another moves, cancels, or writes."""
        with suppress(Refusal):
            day = now + timedelta(days=self.chance.choice([0, 0, 1, 1, 2, 4]))
            begins = day + HALF * self.chance.randrange(1, 30)
            visit = book(self.clinic.wish(begins, patient=self.chance.choice(self.patients)), FRONT_DESK)
            self.done.zones[visit.pk] = ZoneInfo(visit.patient.time_zone or self.clinic.region.time_zone)
            self.say("confirmation", visit, now)
            self.note(visit, now)
        for visit in self.to_come(now):
            luck = self.chance.random()
            with suppress(Refusal):
                if luck < 0.05:
                    cancel(visit, FRONT_DESK, "ill")
                    self.say("cancellation", visit, now)
                elif luck < 0.2:
                    begins = visit.begins + HALF * self.chance.choice([-4, -1, 1, 3, 48])
                    reschedule(visit, max(begins, now + HALF), FRONT_DESK)
                    self.say("reschedule", visit, now)
                self.note(visit, now)
        if self.chance.random() < 0.1:
            self.write(self.chance.choice(self.patients), now)

    def to_come(self, now: datetime) -> list[Appointment]:
        rows = Appointment.objects.filter(begins__gt=now, state__in=EXPECTED).select_related("type", "region")
        return list(rows.order_by("pk"))

    def attend(self, now: datetime) -> None:
        """Who has an appointment now comes, or, an hour later, is missed."""
        for visit in Appointment.objects.filter(begins__lte=now, state__in=EXPECTED).select_related("type", "region"):
            if visit.pk % 5:
                move(visit, "arrived", FRONT_DESK)
            elif visit.begins <= now - HOUR:
                move(visit, "missed", FRONT_DESK)
                self.say("missed", visit, now)
            self.note(visit, now)

    def note(self, visit: Appointment, now: datetime) -> None:
        visit.refresh_from_db()
        self.done.stood.setdefault(visit.pk, []).append((now, visit.state, visit.begins))

    def say(self, kind: str, visit: Appointment, now: datetime) -> None:
        visit.refresh_from_db()
        self.done.said.append(Said(at=now, visit=visit.pk, kind=kind, begins=visit.begins))

    def write(self, patient: Patient, now: datetime) -> None:
        """STOP, or START from who has stopped."""
        number = str(patient.phone)
        if not number:
            return
        spans = self.stopped.setdefault(number, [])
        if spans and spans[-1][1] is None:
            opting.start(self.clinic.region, number)
            spans[-1] = (spans[-1][0], now)
        else:
            opting.stop(self.clinic.region, number)
            spans.append((now, None))

    def send(self, now: datetime) -> None:
        """A sender, which may end before or after it has handed a message over; Twilio may fail."""
        fired = self.vendor.faults.fired.total()
        if self.chance.random() < 0.05:
            self.vendor.control({"next": {self.chance.choice(FAULTS): 1}})
        self.ends_at = self.chance.choice(["before", "after"]) if self.chance.random() < 0.03 else ""
        self.done.sends.append(now)
        try:
            sending.send_due(self.clinic.region)
        except Ended:
            self.done.disturbed.add(now)
        if self.vendor.faults.fired.total() != fired:
            self.done.disturbed.add(now)
        while mail.outbox:
            self.mailed[now, mail.outbox.pop().to[0]] += 1

    def dying(self, monkeypatch: Any) -> None:
        """From here on senders end where `ends_at` says."""
        send, note = Channels.send, sending.note_answer

        def maybe_send(line: Any, *told: Any) -> Any:
            self._end("before")
            self.tried.append((told[-1], str(told[0].to)))
            return send(line, *told)

        def maybe_note(notice: Notice, answer: Any) -> None:
            self._end("after")
            note(notice, answer)

        monkeypatch.setattr(Channels, "send", maybe_send)
        monkeypatch.setattr(sending, "note_answer", maybe_note)

    def _end(self, where: str) -> None:
        if self.ends_at == where:
            self.ends_at = ""
            raise Ended

    def reaches(self, number: str, at: datetime) -> bool:
        """Whether a text message to the number arrives at that moment."""
        spans = self.stopped.get(number, [])
        stopped = any(begins <= at and (ends is None or at < ends) for begins, ends in spans)
        return number not in ("", BAD_NUMBER) and not stopped

    def at(self, visit: int, moment: datetime) -> Iterator[tuple[str, datetime]]:
        """How the appointment stood at that moment, in the last words of each earlier hour."""
        before = [(state, begins) for at, state, begins in self.done.stood[visit] if at <= moment]
        yield from before[-1:]
