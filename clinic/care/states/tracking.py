"""At its time an appointment's state is noted; an hour after, who has not come is missed (contract S3-07, S3-18).

A row per appointment, time and look is the guard. The move is booking's own, with its log and its event.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from backoffice.runs.job import Chunk, Fault, Json, Result
from backoffice.runs.models import StepPart
from clinic.booking.book import move
from clinic.booking.line import end_passed
from clinic.booking.models import Appointment
from clinic.booking.moving import By
from clinic.booking.refusals import Refusal
from clinic.booking.states import EXPECTED, State
from clinic.care.models import StateCheck
from regions.models import Region
from regions.of_run import region_of

OUTCOMES = (NOTED, MISSED, CAME, CHANGED) = ("noted", "missed", "came", "changed_meanwhile")
AT_THE_TIME, AN_HOUR_AFTER = 0, 60
CHUNK = 50
# Noted as having come, or as cancelled, only that far back; who is missed is missed however long ago.
NOTED_BACK = timedelta(days=7)
BY = By(through="track_appointment_states")


@contextmanager
def open_region(part: StepPart) -> Iterator[Region]:
    region = region_of(part)
    end_passed(region)
    yield region


@dataclass(kw_only=True, slots=True)
class Look:
    """One look at one appointment."""

    appointment: Appointment
    minutes: int
    outcome: str = ""


def chunks(region: Region, checkpoint: Json | None) -> Iterator[Chunk]:
    """What is due and was not looked at. Its rows take themselves out, so that a restart needs no place to go on from;
    what another has changed meanwhile is left to the next run."""
    now = timezone.now()
    for minutes, due in ((AN_HOUR_AFTER, _hour_after(region, now)), (AT_THE_TIME, _at_the_time(region, now))):
        after = 0
        rows = due.select_related("region", "type").order_by("pk")
        while batch := list(rows.filter(pk__gt=after)[:CHUNK]):
            after = batch[-1].pk
            looks = [Look(appointment=each, minutes=minutes) for each in batch]
            yield Chunk(data=looks, checkpoint={}, label=f"{minutes} minutes after")


def _at_the_time(region: Region, now: datetime) -> QuerySet[Appointment]:
    """Of those that an hour has passed over already, this look is of no use any more."""
    due = Appointment.objects.filter(region=region, begins__lte=now, begins__gt=now - _hour())
    return due.filter(~_looked(AT_THE_TIME))


def _hour_after(region: Region, now: datetime) -> QuerySet[Appointment]:
    late = Appointment.objects.filter(region=region, begins__lte=now - _hour())
    missed = late.filter(state__in=EXPECTED)
    others = late.filter(begins__gt=now - NOTED_BACK).filter(~_looked(AN_HOUR_AFTER)).exclude(state__in=EXPECTED)
    return Appointment.objects.filter(pk__in=missed.values("pk")) | Appointment.objects.filter(
        pk__in=others.values("pk")
    )


def _looked(minutes: int) -> Exists:
    return Exists(
        StateCheck.objects.filter(appointment=OuterRef("pk"), begins=OuterRef("begins"), minutes=minutes).order_by()
    )


def _hour() -> timedelta:
    return timedelta(minutes=AN_HOUR_AFTER)


def prepare(region: Region, chunk: Chunk) -> Result:
    return Result(rows=chunk.data, intents=chunk.data, intended=True)


def act(region: Region, result: Result) -> Result:
    """Each in a transaction of its own: a desk is not to be held as long as a chunk. Done again, it does nothing."""
    looks: list[Look] = result.rows
    for look in looks:
        look.outcome = _looked_at(look)
    failed = [
        Fault(category=CHANGED, reason=CHANGED, phase="act", reference=f"appointment {look.appointment.pk}")
        for look in looks
        if look.outcome == CHANGED
    ]
    return Result(read=len(looks), outcomes=Counter(look.outcome for look in looks), failures=failed, rows=looks)


def _looked_at(look: Look) -> str:
    appointment = look.appointment
    is_missed = look.minutes == AN_HOUR_AFTER and appointment.state in EXPECTED
    check: dict[str, Any] = {"appointment": appointment, "begins": appointment.begins, "minutes": look.minutes}
    found = {"region": appointment.region, "state": appointment.state, "missed": is_missed}
    try:
        with transaction.atomic():
            StateCheck.objects.update_or_create(**check, defaults=found)
            if is_missed:
                move(appointment, State.MISSED, BY, version=appointment.version)
    except (IntegrityError, Refusal):
        return CHANGED
    if look.minutes == AT_THE_TIME:
        return NOTED
    return MISSED if is_missed else CAME
