"""What the rest of the house is told, in the transaction of the change itself: ids, codes and instants."""

from datetime import datetime
from typing import Any

from clinic.booking.models import Appointment, Hold, WaitlistEntry
from clinic.events.outbox import record


def tell_of(appointment: Appointment, event: str, *, was: datetime | None = None) -> None:
    """appointment.`event`: how the appointment stands now, and when it would have begun before."""
    tell(
        appointment,
        f"appointment.{event}",
        str(appointment.pk),
        {
            "appointment": appointment.pk,
            "external_id": appointment.external_id,
            "patient": appointment.patient_id,
            "type": appointment.type.code,
            "state": appointment.state,
            "version": appointment.version,
            "begins": appointment.begins.isoformat(),
            "ends": appointment.ends.isoformat(),
            "was": was.isoformat() if was else None,
            "resources": sorted(appointment.resources.values_list("pk", flat=True)),
        },
    )


def tell_of_offer(entry: WaitlistEntry, hold: Hold) -> None:
    """waitlist.offered: a slot is held for who waited, until `expires_at`."""
    tell(
        entry,
        "waitlist.offered",
        f"waitlist-{entry.pk}",
        {
            "entry": entry.pk,
            "hold": hold.pk,
            "patient": entry.patient_id,
            "type": entry.type.code,
            "begins": hold.begins.isoformat(),
            "expires_at": hold.expires_at.isoformat(),
        },
    )


def tell(of: Appointment | WaitlistEntry, event: str, subject: str, data: dict[str, Any]) -> None:
    record(of.region, event, subject, data)
