"""From the outbox to the stream: at least once, in order per subject, by any number of publishers at once.

The rows stay locked while they are added to the stream and marked, in one transaction. A publisher that is killed
before its commit leaves them unpublished, and they are added once more, which no consumer's effect notices.
"""

from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from redis import Redis
from rq import Queue

from backoffice.telemetry import tracing
from clinic.events import stream
from clinic.events.consumers import PUBLISHER, calls_of, consumers, sets_off
from clinic.events.failing import State, note_failure
from clinic.events.inbound.matching import match_again
from clinic.events.models import DeadLetter, Outbox
from clinic.events.outbox import event_of, told_of
from clinic.events.standing import advance, begin_all, unhandled
from regions.models import Region

log = structlog.get_logger(__name__)

BATCH = 200
# How long the server may take to forget what it confirmed before an event counts as lost.
LOST_AFTER = timedelta(minutes=15)


def publish_events(client: Redis, region: Region | None = None) -> int:
    """Publish what is recorded, of one region or all; how many events. Then publish again what the server lost."""
    begin_all()
    publish_lost(client)
    total = 0
    while published := _publish_batch(client, region):
        total += published
    set_off_again(client)
    match_again()
    stream.trim(client, [consumer.name for consumer in consumers() if consumer.on])
    return total


@transaction.atomic
def _publish_batch(client: Redis, region: Region | None) -> int:
    rows = _claimed(region)
    if not rows:
        return 0
    for row in rows:
        set_off(client, row)
    for row, entry in zip(rows, stream.publish(client, [(row.pk, row.type) for row in rows]), strict=True):
        row.stream_id = entry
    Outbox.objects.bulk_update(rows, ["stream_id"])
    Outbox.objects.filter(pk__in=[row.pk for row in rows]).update(published_at=timezone.now())
    return len(rows)


def _claimed(region: Region | None) -> list[Outbox]:
    """The next rows, locked, without those of a subject of which another publisher holds an earlier one.

    On SQLite the transaction is the lock: it is IMMEDIATE.
    """
    waiting = Outbox.objects.filter(published_at=None)
    mine = waiting if region is None else waiting.filter(region=region)
    if connection.features.has_select_for_update_skip_locked:
        mine = mine.select_for_update(skip_locked=True)
    rows = list(mine.order_by("pk")[:BATCH])
    earlier = waiting.filter(region=OuterRef("region"), subject=OuterRef("subject"), sequence__lt=OuterRef("sequence"))
    held = earlier.exclude(pk__in=[row.pk for row in rows])
    free = Outbox.objects.filter(pk__in=[row.pk for row in rows]).exclude(Exists(held))
    allowed = set(free.values_list("pk", flat=True))
    return [row for row in rows if row.pk in allowed]


def set_off(client: Redis, row: Outbox) -> bool:
    """Enqueue the jobs that the event calls for, now and not on commit: whoever is killed in between does it again.

    A trigger that fails is tried again by later publishers, and holds nothing up. A job that comes twice has one id.
    """
    with tracing.span(f"publish {row.type}", kind=SpanKind.PRODUCER, parent=row.traceparent, attributes=told_of(row)):
        return not sets_off(row.type) or _enqueue_calls(client, row)


def _enqueue_calls(client: Redis, row: Outbox) -> bool:
    try:
        with transaction.atomic():
            calls = list(calls_of(event_of(row)))
    except Exception as error:
        note_failure(PUBLISHER, row, error)
        tracing.failed(trace.get_current_span(), error)
        return False
    for number, call in enumerate(calls):
        Queue(call.queue, connection=client).enqueue(
            call.function,
            call.argument,
            job_id=f"event-{row.event_id.hex}-{number}",
            description=f"event {row.pk}",
            job_timeout=-1,
            result_ttl=0,
            meta={"correlation_id": row.trace, tracing.META: tracing.traceparent()},
        )
    return True


def set_off_again(client: Redis) -> None:
    """The triggers that failed, where it is time, and those that a person has given back."""
    due = DeadLetter.objects.filter(
        consumer=PUBLISHER, state__in=(State.RETRYING, State.REPLAYED), retry_at__lte=timezone.now()
    )
    for letter in due.select_related("event").order_by("event")[:BATCH]:
        if set_off(client, letter.event):
            due.filter(pk=letter.pk).update(state=State.HANDLED)


def publish_lost(client: Redis) -> None:
    """Events that a consumer owes and the stream no longer holds: a server that lost its data. Published once more."""
    for consumer in consumers():
        if not consumer.on:
            continue
        owed = unhandled(consumer, advance(consumer).settled)
        old = owed.filter(published_at__lt=timezone.now() - LOST_AFTER).order_by("pk")[:BATCH]
        lost = [row.pk for row in old if not stream.holds(client, row.stream_id)]
        if lost:
            log.warning("events_lost", consumer=consumer.name, events=len(lost))
            Outbox.objects.filter(pk__in=lost).update(published_at=None, stream_id="")
