"""Appointments for the tests of notifications, told of and sent as the processes do it, without the processes."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from clinic.booking.book import book, cancel, reschedule
from clinic.booking.models import Appointment
from clinic.events.models import Outbox
from clinic.events.outbox import event_of
from clinic.notices.consumer import handle
from clinic.notices.models import Notice
from clinic.notices.sending import send_due
from tests.booking.world import FRONT_DESK, Clinic


def at(text: str, clinic: Clinic) -> datetime:
    """The clinic's clock, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=clinic.region.zone)


def consume(since: list[int]) -> None:
    """Hand the consumer every event after the last one it was handed; `since` remembers it."""
    for row in Outbox.objects.filter(pk__gt=since[-1], type__startswith="appointment.").order_by("pk"):
        with transaction.atomic():
            handle(event_of(row))
        since.append(row.pk)


def told(clinic: Clinic) -> None:
    """The consumer is handed all events, those that it knows as well."""
    consume([0])


def booked(clinic: Clinic, begins: str, **fields: Any) -> Appointment:
    """Booked for then, and told of."""
    made = book(clinic.wish(at(begins, clinic), patient=fields.pop("patient", None)), FRONT_DESK, **fields)
    told(clinic)
    return made


def moved(clinic: Clinic, appointment: Appointment, begins: str) -> None:
    reschedule(appointment, at(begins, clinic), FRONT_DESK)
    told(clinic)


def cancelled(clinic: Clinic, appointment: Appointment) -> None:
    cancel(appointment, FRONT_DESK, "ill")
    told(clinic)


def sent(clinic: Clinic) -> None:
    send_due(clinic.region)


def ledger(appointment: Appointment, channel: str = "sms") -> dict[str, tuple[str, str]]:
    """{kind and due time on the clinic's clock: (state, reason)} of one channel."""
    zone = appointment.region.zone
    rows = Notice.objects.filter(appointment=appointment, channel=channel).order_by("scheduled_for", "pk")
    return {f"{row.kind} {row.scheduled_for.astimezone(zone):%m-%d %H:%M}": (row.state, row.reason) for row in rows}


def texts(vendor: Any) -> Iterator[str]:
    """What Twilio was given, the oldest first."""
    yield from (message.body for message in vendor.messages.all())
