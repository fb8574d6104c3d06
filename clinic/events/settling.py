"""One event of one consumer, once and in order: the outbox and the inbox decide, not the stream.

An event is refused while the consumer is not done with an earlier one of its subject. Being done never ends by itself,
and no earlier event appears later (outbox.record), so that the answer holds by the time the handler runs.
"""

from enum import Enum

import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from opentelemetry.trace import SpanKind

from backoffice.telemetry import tracing
from clinic.events.consumers import Consumer
from clinic.events.failing import ENDED, State, begin_try, note_failure
from clinic.events.models import DeadLetter, Inbox, Outbox
from clinic.events.outbox import event_of, told_of
from clinic.events.standing import unhandled


class Settled(Enum):
    """DONE: nothing is owed any more. WAITS: for an earlier event. FAILED: to be tried again, when its letter says."""

    DONE = "done"
    WAITS = "waits"
    FAILED = "failed"


class _Taken(Exception):
    """Another replica has committed this event."""


def settle(consumer: Consumer, row: Outbox, *, since: int, troubled: bool = False, again: bool = False) -> Settled:
    """Handle the event, unless it is done with or has to wait.

    `since` is where the consumer began. `troubled`: it has a letter. `again`: an earlier try may have killed.
    """
    # A replay may be of an event from before the consumer was off: of those it is owed alone.
    subject = unhandled(consumer, min(since, row.pk - 1)).filter(region=row.region_id, subject=row.subject)
    first = subject.filter(sequence__lte=row.sequence).order_by("sequence").values_list("pk", flat=True).first()
    if first is not None and first != row.pk:
        return Settled.WAITS
    if first is None:
        if troubled or again:
            _trying(consumer, row).update(state=State.HANDLED)
        return Settled.DONE
    if again and not begin_try(consumer.name, row):
        return Settled.DONE
    name = f"consume {row.type}"
    attributes = {"nightward.consumer": consumer.name, **told_of(row)}
    with (
        structlog.contextvars.bound_contextvars(correlation_id=row.trace),
        tracing.span(name, kind=SpanKind.CONSUMER, parent=row.traceparent, attributes=attributes) as current,
    ):
        try:
            _handle(consumer, row, troubled=troubled or again)
        except _Taken:
            return Settled.DONE
        except Exception as error:
            tracing.failed(current, error)
            return Settled.FAILED if note_failure(consumer.name, row, error, counted=again) else Settled.DONE
    return Settled.DONE


@transaction.atomic
def _handle(consumer: Consumer, row: Outbox, *, troubled: bool) -> None:
    try:
        Inbox.objects.create(consumer=consumer.name, event=row)
    except IntegrityError:
        raise _Taken from None
    consumer.handle(event_of(row))
    if troubled:
        trying = _trying(consumer, row)
        # It never failed: it was only in the hands of one that ended.
        trying.filter(state=State.RETRYING, error=ENDED[0]).delete()
        trying.update(state=State.HANDLED)


def _trying(consumer: Consumer, row: Outbox) -> QuerySet[DeadLetter]:
    """Its letter, unless somebody has decided about it."""
    return DeadLetter.objects.filter(consumer=consumer.name, event=row, state__in=(State.RETRYING, State.REPLAYED))
