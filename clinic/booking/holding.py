"""Holds: time that is kept for a patient, and how it ends. Called at the desk (clinic/booking/desk.py) only."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from clinic.booking.cells import Span
from clinic.booking.models import Hold, WaitlistEntry
from clinic.booking.slots import Slot
from clinic.booking.taking import give_back, take
from clinic.patients.models import Patient
from regions.models import Region

MINUTE = timedelta(minutes=1)
# What an offer of the waitlist becomes by the end of its hold.
AFTER_HOLD = {
    Hold.State.CONFIRMED: WaitlistEntry.State.BOOKED,
    Hold.State.RELEASED: WaitlistEntry.State.WITHDRAWN,
    Hold.State.EXPIRED: WaitlistEntry.State.LAPSED,
}


def keep(slot: Slot, patient: Patient, until: datetime) -> Hold:
    """Hold the slot until then, and not past its own beginning, but for a minute at least; SlotTaken."""
    until = min(until, max(slot.begins, timezone.now() + MINUTE))
    hold = Hold.objects.create(
        region=slot.type.region, patient=patient, type=slot.type, begins=slot.begins, ends=slot.ends,
        expires_at=until,
    )  # fmt: skip
    take(slot.resources, slot.cells, hold)
    hold.resources.set(slot.resources)
    return hold


def end(hold: Hold, state: Hold.State) -> Span:
    """The hold is over, and the offer that it may be; the cells that are free now, none where it is confirmed."""
    hold.state = state
    hold.save(update_fields=["state", "appointment"])
    WaitlistEntry.objects.filter(hold=hold).update(state=AFTER_HOLD[state], changed_at=timezone.now())
    return give_back(hold)


def taken_by(patient: Patient) -> QuerySet[Hold]:
    """The patient's open holds; without what the waitlist offers, for which nobody has asked. At the desk they are
    counted by one after the other: a patient is of one region."""
    return Hold.objects.filter(patient=patient, state=Hold.State.OPEN, waited=None)


def due(region: Region) -> QuerySet[Hold]:
    """Holds whose time is over and that have still cells."""
    return Hold.objects.filter(region=region, state=Hold.State.OPEN, expires_at__lte=timezone.now()).order_by("pk")


def end_due(region: Region) -> list[Span]:
    """End what is due; what each has given back."""
    return [end(hold, Hold.State.EXPIRED) for hold in due(region)]
