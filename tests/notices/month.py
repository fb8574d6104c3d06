"""A month at a clinic: people book, move, cancel, come or stay away, write STOP; Twilio fails; senders end anywhere."""

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import time_machine

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
from tests.notices.world import consume

HALF, HOUR = timedelta(minutes=30), timedelta(hours=1)
FAULTS = ("drop", "drop_after", "http429", "http500", "garbage")
BAD_NUMBER = "+15005550009"


class Ended(BaseException):
    """The sender's process is gone."""


@dataclass
class Month:
    """`stands`: of each appointment, how it stood from when on; `stopped`: of each number, from when to when."""

    clinic: Clinic
    vendor: Twilio
    clock: time_machine.Traveller
    chance: random.Random
    patients: list[Patient] = field(default_factory=list)
    stands: dict[int, list[tuple[datetime, str, datetime]]] = field(default_factory=dict)
    stopped: dict[str, list[tuple[datetime, datetime | None]]] = field(default_factory=dict)
    seen: list[int] = field(default_factory=lambda: [0])
    ends_at: str = ""

    def populate(self, number: int) -> None:
        """A tenth of them has a number that does not exist, some live in another zone, some have no phone."""
        zones = ["", "", "", "America/New_York", "Pacific/Honolulu"]
        for one in range(number):
            phone = BAD_NUMBER if one == 0 else "" if one == 1 else f"+1415555{one:04}"
            self.patients.append(
                PatientFactory.create(region=self.clinic.region, phone=phone, time_zone=zones[one % len(zones)])
            )

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
                self.send()
            now += HOUR

    def act(self, now: datetime) -> None:
        """Somebody books; and perhaps another moves, cancels, or writes."""
        with suppress(Refusal):
            day = now + timedelta(days=self.chance.choice([0, 0, 1, 1, 2, 4]))
            begins = day + HALF * self.chance.randrange(1, 30)
            self.note(book(self.clinic.wish(begins, patient=self.chance.choice(self.patients)), FRONT_DESK), now)
        for visit in self.to_come(now):
            luck = self.chance.random()
            with suppress(Refusal):
                if luck < 0.05:
                    cancel(visit, FRONT_DESK, "ill")
                elif luck < 0.2:
                    begins = visit.begins + HALF * self.chance.choice([-4, -1, 1, 3, 48])
                    reschedule(visit, max(begins, now + HALF), FRONT_DESK)
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
            self.note(visit, now)

    def note(self, visit: Appointment, now: datetime) -> None:
        visit.refresh_from_db()
        self.stands.setdefault(visit.pk, []).append((now, visit.state, visit.begins))

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

    def send(self) -> None:
        """A sender, which may end before or after it has handed a message over; Twilio may fail."""
        if self.chance.random() < 0.05:
            self.vendor.control({"next": {self.chance.choice(FAULTS): 1}})
        self.ends_at = self.chance.choice(["before", "after"]) if self.chance.random() < 0.03 else ""
        with suppress(Ended):
            sending.send_due(self.clinic.region)

    def dying(self, monkeypatch: Any) -> None:
        """From here on senders end where `ends_at` says."""
        send, note = Channels.send, sending.note_answer

        def maybe_send(line: Any, *told: Any) -> Any:
            self._end("before")
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

    def at(self, visit: int, moment: datetime) -> Iterator[tuple[str, datetime]]:
        """How the appointment stood at that moment, in the last words of each earlier hour."""
        before = [(state, begins) for at, state, begins in self.stands[visit] if at <= moment]
        yield from before[-1:]
