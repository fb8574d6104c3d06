"""Recording events: in the transaction of what happened, so that both are committed or neither is."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F

from backoffice.audit import correlation_id
from backoffice.telemetry.tracing import traceparent
from clinic.events.consumers import Event
from clinic.events.models import Outbox, Subject
from regions.models import Region

TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
MOST_SUBJECT = 200


class NotInTransaction(RuntimeError):
    """record() was called outside of an atomic block: its event could be kept without what it tells of."""


def record(region: Region, type: str, subject: str, data: Mapping[str, Any]) -> Event:
    """Write the event into the outbox, in the caller's transaction. NotInTransaction outside of one.

    `type` is like "appointment.booked". Events of one subject of a region are handled in the order in which their
    transactions commit: from here to its commit no other transaction records one of the same subject. `data` holds ids,
    instants as ISO text, and codes; it goes where patient data must not. Two subjects in one transaction: in the order
    of their names, or PostgreSQL may end one of two such transactions as a deadlock.
    """
    if not transaction.get_connection().in_atomic_block:
        raise NotInTransaction("record() belongs into the transaction of what the event tells of.")
    if not TYPE.fullmatch(type) or not 0 < len(subject) <= MOST_SUBJECT:
        raise ValueError(f"An event has a type like appointment.booked, and a subject of 1 to {MOST_SUBJECT} letters.")
    row = Outbox.objects.create(
        region=region,
        type=type,
        subject=subject,
        sequence=_next_number(region, subject),
        data=dict(data),
        trace=correlation_id() or uuid.uuid4().hex,
        traceparent=traceparent(),
    )
    return event_of(row)


def _next_number(region: Region, subject: str) -> int:
    """One more than the last; the subject's row stays locked until the transaction ends."""
    mine = Subject.objects.filter(region=region, name=subject)
    if not mine.update(last=F("last") + 1):
        # Of two that make it at once the second one waits for the first, and then finds it.
        Subject.objects.bulk_create([Subject(region=region, name=subject)], ignore_conflicts=True)
        mine.update(last=F("last") + 1)
    return mine.values_list("last", flat=True).get()


def event_of(row: Outbox) -> Event:
    """The event as handlers see it."""
    return Event(
        id=row.event_id,
        number=row.pk,
        region_id=row.region_id,
        type=row.type,
        subject=row.subject,
        sequence=row.sequence,
        data=row.data,
        trace=row.trace,
        recorded_at=row.recorded_at,
    )


def told_of(row: Outbox) -> dict[str, str | int]:
    """What a span says of an event."""
    return {"nightward.event": row.pk, "nightward.event.type": row.type, "nightward.correlation_id": row.trace}
