"""Book, hold, confirm, release, reschedule, cancel, move: what the API and the admin call.

Each is one transaction with its log row and its event; a Refusal leaves everything as it was.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from clinic.booking import holding
from clinic.booking.attempts import attempted
from clinic.booking.cells import CELL
from clinic.booking.desk import at_the_desk, expire_holds, known
from clinic.booking.line import offer
from clinic.booking.models import Appointment, AppointmentType, Hold, Move
from clinic.booking.moving import By, begin, check_begun, check_day, check_expected, move_to
from clinic.booking.refusals import (
    ChangedMeanwhile,
    ExternalIdUsed,
    HoldOver,
    MoveNotAllowed,
    NotASlot,
    PatientBusy,
    Refusal,
    SlotTaken,
    TooManyHolds,
)
from clinic.booking.slots import NONE, Ids, Slot, free_slots
from clinic.booking.states import ATTENDED, BY_OWN_VERB, EXPECTED, FREES, MOVES, State
from clinic.booking.taking import give_back, hand_over, take
from clinic.patients.models import Patient


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What somebody wants to have: a type at a time, with these resources among those that it takes.

    `although_busy`: also where the patient has another visit then.
    """

    type: AppointmentType
    patient: Patient
    begins: datetime
    resources: Ids = NONE
    although_busy: bool = False


def book(wish: Wish, by: By, *, external_id: str = "") -> Appointment:
    """Book in one call; SlotTaken, NotASlot, PatientBusy, ExternalIdUsed."""
    with attempted(wish.type.region):
        _look(wish)
        with at_the_desk(wish.type.region):
            return _booked(wish, by, external_id)


def book_once(wish: Wish, by: By, name: UUID) -> Appointment:
    """Book; what the same wish has made under this name of a form is given again, also to two at the same moment."""
    with attempted(wish.type.region):
        try:
            _look(wish)
        except Refusal:
            if (made := _known(wish, by, name)) is not None:
                return made
            raise
        with at_the_desk(wish.type.region):
            return _known(wish, by, name) or _booked(wish, by, name=name)


def hold(wish: Wish) -> Hold:
    """Keep a slot for HOLD_MINUTES; SlotTaken, NotASlot, TooManyHolds for one more than HOLDS_PER_PATIENT."""
    _look(wish)
    with at_the_desk(wish.type.region):
        known(wish.patient)
        if holding.taken_by(wish.patient).count() >= settings.HOLDS_PER_PATIENT:
            raise TooManyHolds
        slot = slot_of(wish.type, wish.begins, wish.resources)
        return holding.keep(slot, wish.patient, timezone.now() + timedelta(minutes=settings.HOLD_MINUTES))


def confirm_hold(held: Hold, by: By, *, external_id: str = "", although_busy: bool = False) -> Appointment:
    """Make an appointment of a hold that is not over; HoldOver, PatientBusy, ExternalIdUsed."""
    with attempted(held.region), at_the_desk(held.region):
        _still_open(held)
        if not although_busy:
            _has_time(held.patient, held.begins, held.ends)
        appointment = _made(held.type, held.patient, held.begins, held.ends, external_id)
        appointment.resources.set(held.resources.all())
        hand_over(held, appointment)
        held.appointment = appointment
        holding.end(held, Hold.State.CONFIRMED)
        begin(appointment, by)
    return appointment


def release_hold(held: Hold) -> None:
    """Give up a hold, and with it the offer that it may be; HoldOver."""
    with at_the_desk(held.region):
        _still_open(held)
        offer(held.region, holding.end(held, Hold.State.RELEASED))


def reschedule(
    appointment: Appointment,
    begins: datetime,
    by: By,
    why: str = "",
    *,
    resources: Ids = NONE,
    version: int | None = None,
    although_busy: bool = False,
) -> None:
    """Another time, and other resources where the same are not free or others are wanted; as `book` refuses."""
    with at_the_desk(appointment.region):
        _read_again(appointment, version)
        if State.RESCHEDULED not in MOVES[appointment.state]:
            raise MoveNotAllowed
        known(appointment.patient)
        slot = _other_slot(appointment, begins, resources)
        if not although_busy:
            _has_time(appointment.patient, slot.begins, slot.ends, but=appointment)
        freed = give_back(appointment)
        take(slot.resources, slot.cells, appointment)
        appointment.resources.set(slot.resources)
        move_to(appointment, State.RESCHEDULED, by, why, new=Appointment(begins=slot.begins, ends=slot.ends))
        offer(appointment.region, freed)


def cancel(appointment: Appointment, by: By, why: str, *, version: int | None = None) -> None:
    """Give the time back; the row stays. MoveNotAllowed where the visit is over, for a portal once it was attended or
    missed."""
    _move(appointment, State.CANCELLED, by, why, version)


def move(
    appointment: Appointment,
    state: str,
    by: By,
    why: str = "",
    *,
    version: int | None = None,
    although_busy: bool = False,
) -> None:
    """Any other move of the table: MoveNotAllowed for what it does not have, and for what has a verb of its own.
    NotItsDay for an arrival before the day of the visit, NotBegun where one that lies ahead is missed. PatientBusy
    where a missed visit is attended after all, as for one that is booked."""
    if state in BY_OWN_VERB:
        raise MoveNotAllowed
    _move(appointment, state, by, why, version, although_busy=although_busy)


def _move(
    appointment: Appointment, state: str, by: By, why: str, version: int | None, *, although_busy: bool = False
) -> None:
    with at_the_desk(appointment.region):
        _read_again(appointment, version)
        if state == State.ARRIVED and appointment.state in (*EXPECTED, State.MISSED):
            check_day(appointment, by)
        if state == State.MISSED:
            check_begun(appointment)
        if state == State.CANCELLED:
            check_expected(appointment, by)
        if appointment.state == State.MISSED and state in ATTENDED and not although_busy:
            _has_time(appointment.patient, appointment.begins, appointment.ends, but=appointment)
        move_to(appointment, state, by, why)
        if state in FREES:
            offer(appointment.region, give_back(appointment))


def _look(wish: Wish) -> None:
    """Who comes too late is told so without a lock, or many of them would keep the desk from the others."""
    expire_holds(wish.type.region)
    slot_of(wish.type, wish.begins, wish.resources)


def slot_of(type_: AppointmentType, begins: datetime, wanted: Ids, *, but: Appointment | None = None) -> Slot:
    """The slot that begins then; NotASlot where there would be none even if nobody were booked, else SlotTaken."""
    slot = next(free_slots(type_, begins, begins + CELL, wanted=wanted, but=but), None)
    if slot is not None and slot.begins == begins:
        return slot
    possible = next(free_slots(type_, begins, begins + CELL, wanted=wanted, empty=True), None)
    raise SlotTaken if possible is not None and possible.begins == begins else NotASlot


def _other_slot(appointment: Appointment, begins: datetime, wanted: Ids) -> Slot:
    """With the resources that it has, if they are free then and no others are wanted."""
    if not wanted:
        same = frozenset(appointment.resources.values_list("pk", flat=True))
        try:
            return slot_of(appointment.type, begins, same, but=appointment)
        except (SlotTaken, NotASlot):
            pass
    return slot_of(appointment.type, begins, wanted, but=appointment)


def _booked(wish: Wish, by: By, external_id: str = "", name: UUID | None = None) -> Appointment:
    known(wish.patient)
    slot = slot_of(wish.type, wish.begins, wish.resources)
    if not wish.although_busy:
        _has_time(wish.patient, slot.begins, slot.ends)
    appointment = _made(wish.type, wish.patient, slot.begins, slot.ends, external_id)
    take(slot.resources, slot.cells, appointment)
    appointment.resources.set(slot.resources)
    begin(appointment, by, name=name)
    return appointment


def _known(wish: Wish, by: By, name: UUID) -> Appointment | None:
    """What this user has booked by the same wish under the name; another wish is another booking."""
    same = {"appointment__patient": wish.patient, "appointment__type": wish.type, "begins": wish.begins}
    found = Move.objects.filter(row_id=name, by=by.user, before="", **same).select_related("appointment").first()
    return None if found is None else found.appointment


def _has_time(patient: Patient, begins: datetime, ends: datetime, *, but: Appointment | None = None) -> None:
    """PatientBusy where another visit of the patient lies in that time. Called at the desk: a patient is of one region,
    so that of two at the same moment the second sees the first."""
    visits = Appointment.objects.filter(patient=patient, begins__lt=ends, ends__gt=begins, state__in=ATTENDED)
    if but is not None:
        visits = visits.exclude(pk=but.pk)
    if visits.exists():
        raise PatientBusy


def _made(type_: AppointmentType, patient: Patient, begins: datetime, ends: datetime, external_id: str) -> Appointment:
    rows = Appointment.objects.filter(region=type_.region)
    if external_id and rows.filter(external_id=external_id).exists():
        raise ExternalIdUsed
    return Appointment.objects.create(
        region=type_.region, patient=patient, type=type_, begins=begins, ends=ends, external_id=external_id
    )


def _still_open(held: Hold) -> None:
    held.refresh_from_db()
    if held.state != Hold.State.OPEN:
        raise HoldOver


def _read_again(appointment: Appointment, version: int | None) -> None:
    """As it is now; ChangedMeanwhile where the caller has seen another version."""
    appointment.refresh_from_db()
    if version is not None and version != appointment.version:
        raise ChangedMeanwhile
