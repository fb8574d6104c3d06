"""Bed Time Buddy: each enrolled patient's message of the day, at the patient's own time.

Quiet hours do not hold for it: the patient has asked for it at this hour.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.utils import timezone

from clinic.booking.zones import instant_at
from clinic.notices.models import BedTimeEnrolment, Kind, Notice, State
from clinic.notices.moving import make
from clinic.notices.planning import zone_of
from clinic.patients.locking import lock
from clinic.patients.models import Patient
from clinic.patients.register import NoSuchPatient
from regions.models import Region

# After its time a message is of use for so long; days that were missed are named for so many.
USEFUL, LOOK_BACK = timedelta(hours=1), timedelta(days=7)
DAY = timedelta(days=1)


@transaction.atomic
def enrol(patient: Patient, local_time: time, channel: str = "sms") -> BedTimeEnrolment:
    """From now on a message each day at that time; one who was enrolled before has the new time. NoSuchPatient."""
    if lock(patient.pk) is None:
        raise NoSuchPatient
    values = {"region": patient.region, "local_time": local_time, "channel": channel, "ended_at": None}
    enrolment, made = BedTimeEnrolment.objects.get_or_create(patient=patient, defaults=values)
    if not made:
        if enrolment.ended_at is not None:
            enrolment.since = timezone.now()
        for name, value in values.items():
            setattr(enrolment, name, value)
        enrolment.save()
    return enrolment


def leave(enrolment: BedTimeEnrolment) -> bool:
    """Whether the patient was enrolled, and no longer is."""
    rows = BedTimeEnrolment.objects.filter(pk=enrolment.pk, ended_at=None)
    return bool(rows.update(ended_at=timezone.now()))


def plan_bedtime(region: Region) -> list[Notice]:
    """Make the rows of the days whose time has come; those of days that were missed. Safe twice and at once."""
    now = timezone.now()
    rows = BedTimeEnrolment.objects.filter(region=region, ended_at=None).select_related("patient__region", "region")
    known = _known(region, now)
    missed = []
    for enrolment in rows.iterator(chunk_size=500):
        for day, at in _moments(enrolment, now):
            if (enrolment.pk, day) not in known:
                notice = _row(enrolment, day, at, now)
                if make(notice) and notice.state == State.NOT_SENT:
                    missed.append(notice)
    return missed


def _known(region: Region, now: datetime) -> set[tuple[int | None, date | None]]:
    since = now.date() - LOOK_BACK - DAY
    rows = Notice.objects.filter(region=region, kind=Kind.BEDTIME, day__gte=since)
    return set(rows.values_list("enrolment_id", "day"))


def _moments(enrolment: BedTimeEnrolment, now: datetime) -> Iterator[tuple[date, datetime]]:
    """The days since it was enrolled, of the last week, whose time has come."""
    zone = zone_of(enrolment.patient)
    begins = max(enrolment.since, now - LOOK_BACK)
    day = begins.astimezone(zone).date()
    while (at := instant_at(day, enrolment.local_time, zone)) <= now:
        if at >= begins:
            yield day, at
        day += DAY


def _row(enrolment: BedTimeEnrolment, day: date, at: datetime, now: datetime) -> Notice:
    late = now > at + USEFUL
    return Notice(
        region=enrolment.region, patient=enrolment.patient, enrolment=enrolment, day=day, kind=Kind.BEDTIME,
        channel=enrolment.channel, scheduled_for=at, useful_until=at + USEFUL, try_at=at,
        state=State.NOT_SENT if late else State.PLANNED, reason="past" if late else "",
    )  # fmt: skip
