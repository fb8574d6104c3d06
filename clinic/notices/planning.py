"""Rows of the ledger are planned and withdrawn here, from how an appointment stands now.

Whoever calls this, in whatever order and however often, the ledger comes out the same: the consumer of events, the
publisher's jobs and schedule_notifications do so at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from clinic.booking.models import Appointment, Move
from clinic.booking.states import EXPECTED
from clinic.booking.states import State as Stands
from clinic.booking.zones import midnight
from clinic.notices.models import Channel, Kind, Notice, State
from clinic.notices.moments import Visit, before_moment, morning_moment, not_at_night, useful_until
from clinic.notices.moving import make, move
from clinic.patients.models import Patient
from regions.models import Region

REMINDERS = (Kind.REMINDER_MORNING, Kind.REMINDER_BEFORE)
OF_EVENT = {
    "appointment.booked": Kind.CONFIRMATION,
    "appointment.rescheduled": Kind.RESCHEDULE,
    "appointment.cancelled": Kind.CANCELLATION,
    "appointment.missed": Kind.MISSED,
}
MISSED_FOR = timedelta(hours=24)  # how long the message about a missed visit is of use
# Reminders are planned for visits of today and tomorrow: the evening before is theirs as well.
DAYS_AHEAD = 2
# How far back a visit is named of which nobody was reminded.
NAMED_BACK = timedelta(days=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A message that is due: when, until when it is of use, and why it is not to be sent, where it is not."""

    kind: str
    at: datetime
    until: datetime
    why_not: str = ""


def zone_of(patient: Patient) -> ZoneInfo:
    """The patient's own, else the region's."""
    return ZoneInfo(patient.time_zone or patient.region.time_zone)


def visit_of(appointment: Appointment) -> Visit:
    return Visit(begins=appointment.begins, clinic=appointment.region.zone, patient=zone_of(appointment.patient))


def still_true(kind: str, begins: datetime | None, appointment: Appointment) -> bool:
    """Whether a message of this kind about a visit at that time tells how the appointment stands."""
    state = appointment.state
    if kind == Kind.CANCELLATION:
        return state == Stands.CANCELLED
    if kind == Kind.MISSED:
        return state == Stands.MISSED
    if kind in REMINDERS:
        return state in EXPECTED and appointment.begins == begins
    return state not in (Stands.CANCELLED, Stands.MISSED) and appointment.begins == begins


def why_not_true(notice: Notice, appointment: Appointment) -> str:
    """The word for a row that is withdrawn."""
    if appointment.state in (Stands.CANCELLED, Stands.MISSED):
        return "cancelled" if appointment.state == Stands.CANCELLED else "missed"
    return "moved" if appointment.begins != notice.begins else "came"


def appointments_soon(region: Region, now: datetime) -> Iterator[Appointment]:
    """Visits of today and tomorrow that are still to come."""
    rows = Appointment.objects.filter(region=region, begins__gt=now, begins__lt=horizon(region, now))
    return rows.select_related("region", "patient__region").order_by("begins", "pk").iterator(chunk_size=500)


def horizon(region: Region, now: datetime) -> datetime:
    return midnight(now.astimezone(region.zone).date() + timedelta(days=DAYS_AHEAD), region.zone)


def name_unplanned(region: Region, now: datetime) -> list[Notice]:
    """Rows of the reminders that nobody planned before the visit began, as after a day of downtime: not sent, past.

    Not of a visit that was booked, or moved to its time, later than both of its reminders were due.
    """
    reminders = Notice.objects.filter(appointment=OuterRef("pk"), kind__in=REMINDERS, begins=OuterRef("begins"))
    rows = Appointment.objects.filter(~Exists(reminders.order_by()), region=region, begins__lte=now)
    rows = rows.filter(begins__gt=now - NAMED_BACK).exclude(state=Stands.CANCELLED)
    made = []
    for appointment in rows.select_related("region", "patient__region").order_by("begins", "pk"):
        for one in _reminders(visit_of(appointment), known_since(appointment), now):
            made += [
                _row(appointment, one, channel, appointment.begins)
                for channel in Channel.values
                if one.why_not == "past"
            ]
    return [notice for notice in made if make(notice)]


def bring_up_to_date(appointment: Appointment) -> list[Notice]:
    """Withdraw what is no longer true, plan the reminders that are near; rows that were made and are not to be sent."""
    now = timezone.now()
    wanted = list(wanted_reminders(appointment, now))
    withdraw(appointment, wanted if _is_near(appointment, now) else None)
    made = (_ensure(appointment, one, channel) for one in wanted for channel in Channel.values)
    return [notice for notice in made if notice is not None and notice.state == State.NOT_SENT]


def plan_event(appointment: Appointment, type: str, begins: datetime, at: datetime) -> None:
    """Plan the message about what happened at `at`, when the visit was to begin at `begins`, and bring all up to date.

    Where something else has happened since it is written down as withdrawn.
    """
    bring_up_to_date(appointment)
    if (kind := OF_EVENT.get(type)) is None:
        return
    moment = not_at_night(at, zone_of(appointment.patient))
    until = moment + MISSED_FOR if kind == Kind.MISSED else begins
    why_not = "" if moment <= until else "quiet" if at <= until else "past"
    wanted = Wanted(kind=kind, at=moment, until=until, why_not=why_not)
    for channel in Channel.values:
        _ensure(appointment, wanted, channel, begins)


def wanted_reminders(appointment: Appointment, now: datetime) -> Iterator[Wanted]:
    """Those of a visit that is expected within the days ahead."""
    if appointment.state not in EXPECTED or not _is_near(appointment, now):
        return
    yield from _reminders(visit_of(appointment), known_since(appointment), now)


def _reminders(visit: Visit, known: datetime, now: datetime) -> Iterator[Wanted]:
    """`known`: when the visit was given its time."""
    morning, before = morning_moment(visit), before_moment(visit)
    yield _reminder(Kind.REMINDER_MORNING, morning, useful_until(morning, before, visit), known, now)
    if before is None:
        yield Wanted(kind=Kind.REMINDER_BEFORE, at=morning, until=visit.latest, why_not="same_moment")
    else:
        yield _reminder(Kind.REMINDER_BEFORE, before, useful_until(before, morning, visit), known, now)


def known_since(appointment: Appointment) -> datetime:
    """When it was booked for the time that it has."""
    moves = Move.objects.filter(appointment=appointment, after__in=(Stands.BOOKED, Stands.RESCHEDULED))
    at = moves.order_by("-version").values_list("at", flat=True).first()
    return at or appointment.created_at


def withdraw(appointment: Appointment, wanted: list[Wanted] | None) -> None:
    """Take back what is planned and no longer true, or due at another moment now (None: no moments are known)."""
    moments = None if wanted is None else {(one.kind, one.at) for one in wanted}
    for notice in Notice.objects.filter(appointment=appointment, state=State.PLANNED):
        if not still_true(notice.kind, notice.begins, appointment):
            move(notice, [State.PLANNED], State.WITHDRAWN, why_not_true(notice, appointment))
        elif moments is not None and notice.kind in REMINDERS and (notice.kind, notice.scheduled_for) not in moments:
            move(notice, [State.PLANNED], State.WITHDRAWN, "other_moment")


def scheduled(appointment: Appointment) -> bool:
    """The flag notification_sent of the described system: reminders of the time that it has stand in the ledger."""
    return Notice.objects.filter(appointment=appointment, kind__in=REMINDERS, begins=appointment.begins).exists()


def _is_near(appointment: Appointment, now: datetime) -> bool:
    return now < appointment.begins < horizon(appointment.region, now)


def _reminder(kind: str, at: datetime, until: datetime, known: datetime, now: datetime) -> Wanted:
    why_not = "booked_late" if at < known else "past" if until < now else ""
    return Wanted(kind=kind, at=at, until=until, why_not=why_not)


def _ensure(appointment: Appointment, wanted: Wanted, channel: str, begins: datetime | None = None) -> Notice | None:
    """The row where it was made, or made due once more; None where it is there."""
    begins = begins or appointment.begins
    rows = Notice.objects.filter(appointment=appointment, kind=wanted.kind, channel=channel, scheduled_for=wanted.at)
    if (there := rows.first()) is not None:
        return _again(there, appointment, wanted, begins)
    notice = _row(appointment, wanted, channel, begins)
    if not still_true(wanted.kind, begins, appointment):
        notice.state, notice.reason = State.WITHDRAWN, "superseded"
    return notice if make(notice) else None


def _row(appointment: Appointment, wanted: Wanted, channel: str, begins: datetime) -> Notice:
    return Notice(
        appointment=appointment, kind=wanted.kind, channel=channel, scheduled_for=wanted.at, begins=begins,
        region=appointment.region, patient=appointment.patient, useful_until=wanted.until, try_at=wanted.at,
        state=State.NOT_SENT if wanted.why_not else State.PLANNED, reason=wanted.why_not,
    )  # fmt: skip


def _again(there: Notice, appointment: Appointment, wanted: Wanted, begins: datetime) -> Notice | None:
    """A row that was taken back, or kept for another time of the visit, is due after all."""
    back = Q(state=State.WITHDRAWN) | Q(state=State.NOT_SENT) & ~Q(begins=begins)
    if not still_true(wanted.kind, begins, appointment) or not Notice.objects.filter(back, pk=there.pk).exists():
        return None
    if wanted.kind not in REMINDERS and there.begins == begins:
        return None  # an event that came again; what it told of was taken back since
    changes: dict[str, Any] = {"begins": begins, "useful_until": wanted.until, "try_at": wanted.at}
    state = State.NOT_SENT if wanted.why_not else State.PLANNED
    return there if move(there, [there.state], state, wanted.why_not or "replanned", **changes) else None
