"""Join the waitlist and leave it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from clinic.booking import holding
from clinic.booking.desk import at_the_desk, known
from clinic.booking.line import fitting, offer, offer_slot
from clinic.booking.models import AppointmentType, Hold, Resource, WaitlistEntry
from clinic.booking.refusals import NotInLine
from clinic.patients.models import Patient

IN_LINE = (WaitlistEntry.State.WAITING, WaitlistEntry.State.OFFERED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What somebody waits for: a type between two instants, with this resource or any."""

    type: AppointmentType
    patient: Patient
    earliest: datetime
    latest: datetime
    resource: Resource | None = None


def join(wish: Waiting) -> WaitlistEntry:
    """At the end of the line; a slot that is free already and fits is offered at once, since nobody before took it.

    Who is in line for the same already keeps that place; PatientRemoved.
    """
    same = {
        "region": wish.type.region, "type": wish.type, "patient": wish.patient, "earliest": wish.earliest,
        "latest": wish.latest, "resource": wish.resource,
    }  # fmt: skip
    with at_the_desk(wish.type.region):
        known(wish.patient)
        if (there := WaitlistEntry.objects.filter(**same, state__in=IN_LINE).first()) is not None:
            return there
        entry = WaitlistEntry.objects.create(**same)
        if (slot := fitting(entry)) is not None:
            offer_slot(entry, slot)
    return entry


def withdraw(entry: WaitlistEntry) -> None:
    """Leave the line, or decline what was offered, which goes to the next; NotInLine where it is in none."""
    with at_the_desk(entry.region):
        entry.refresh_from_db()
        if entry.state == WaitlistEntry.State.OFFERED and entry.hold is not None:
            offer(entry.region, holding.end(entry.hold, Hold.State.RELEASED))
            entry.refresh_from_db()
        elif entry.state == WaitlistEntry.State.WAITING:
            entry.state = WaitlistEntry.State.WITHDRAWN
            entry.changed_at = timezone.now()
            entry.save(update_fields=["state", "changed_at"])
        else:
            raise NotInLine
