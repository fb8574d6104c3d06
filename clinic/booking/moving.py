"""The one place in which an appointment's state moves: by the table, by compare-and-set, with a row of the log."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone

from backoffice.formats import today_in
from clinic.booking.models import Appointment, Move
from clinic.booking.refusals import ChangedMeanwhile, MoveNotAllowed, NotBegun, NotItsDay
from clinic.booking.states import EXPECTED, MOVES, State
from clinic.booking.telling import tell_of

PORTAL = "portal"


@dataclass(frozen=True, kw_only=True, slots=True)
class By:
    """In whose name something is done, and through what: api, portal, admin, or the name of a job."""

    user: User | None = None
    through: str


def move_to(appointment: Appointment, state: str, by: By, why: str = "", *, new: Appointment | None = None) -> None:
    """Move the appointment, log it and tell it; `new`: the times that it has from now on.

    Before: inside a transaction. MoveNotAllowed by the table; ChangedMeanwhile where `appointment` is not what the
    database has.
    """
    if state not in MOVES[appointment.state]:
        raise MoveNotAllowed
    before, was = appointment.state, appointment.begins
    times = new or appointment
    unchanged = Appointment.objects.filter(pk=appointment.pk, version=appointment.version, state=before)
    changes = {"state": state, "begins": times.begins, "ends": times.ends, "changed_at": timezone.now()}
    if not unchanged.update(version=F("version") + 1, **changes):
        raise ChangedMeanwhile
    appointment.refresh_from_db()
    log(appointment, before, by, why)
    tell_of(appointment, state, was=was if was != appointment.begins else None)


def check_day(appointment: Appointment, by: By) -> None:
    """NotItsDay where nobody can have arrived yet; for a portal on any day but that of the visit."""
    zone = appointment.region.zone
    today, day = today_in(zone), appointment.begins.astimezone(zone).date()
    if today < day or (today > day and by.through == PORTAL):
        raise NotItsDay


def check_begun(appointment: Appointment) -> None:
    """NotBegun where nobody can have missed it yet: its time would be kept, and the patient told too early."""
    if timezone.now() < appointment.begins:
        raise NotBegun


def check_expected(appointment: Appointment, by: By) -> None:
    """MoveNotAllowed where a portal gives up a visit that its patient came to or missed: that is the desk's to say."""
    if by.through == PORTAL and appointment.state not in EXPECTED:
        raise MoveNotAllowed


def log(appointment: Appointment, before: str, by: By, why: str, *, name: UUID | None = None) -> None:
    """Who moved it to where it is now, and why; `name`: of the row, where it is not taken by another."""
    if name is None or Move.objects.filter(row_id=name).exists():
        name = uuid4()
    Move.objects.create(
        row_id=name, appointment=appointment, version=appointment.version, before=before,
        after=appointment.state, begins=appointment.begins, by=by.user, through=by.through, why=why,
    )  # fmt: skip


def begin(appointment: Appointment, by: By, *, name: UUID | None = None) -> None:
    """Log and tell an appointment that was made just now, with its resources."""
    log(appointment, "", by, "", name=name)
    tell_of(appointment, State.BOOKED)
