"""What leaves and enters the house: messages to patients, messages of laboratories and tills, answers of payers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils import timezone
from prometheus_client.metrics_core import Metric

from backoffice.monitor.families import gauge
from billing.clock import late
from billing.models import Batch
from clinic.events.inbound.models import Channel, Inbound, Unmatched
from clinic.notices.alerts import LATE
from clinic.notices.models import Notice, State
from regions.models import Region

WINDOW = timedelta(hours=1)
# What became of messages that were handed over, or were to be.
ENDED = (State.SENT, State.DELIVERED, State.MAYBE_SENT, State.FAILED)


def notifications() -> Iterator[Metric]:
    counts = ended_lately().order_by().values_list("region__name", "channel", "state").annotate(number=Count("pk"))
    yield gauge(
        "notifications_last_hour", "Messages by what has become of them within the hour.",
        ("region", "channel", "state"), [(labels, number) for *labels, number in counts],
    )  # fmt: skip
    overdue = overdue_notices().order_by().values_list("region__name").annotate(number=Count("pk"))
    rows = [((region,), number) for region, number in overdue]
    yield gauge("notifications_overdue", "Messages that were due 15 minutes ago.", ("region",), rows)


def ended_lately() -> QuerySet[Notice]:
    """Handed over within the hour, or given up."""
    return Notice.objects.filter(changed_at__gt=timezone.now() - WINDOW, state__in=ENDED)


def overdue_notices() -> QuerySet[Notice]:
    """Due a quarter of an hour ago, and looked at by nobody."""
    return Notice.objects.filter(state=State.PLANNED, try_at__lt=timezone.now() - LATE)


def inbound() -> Iterator[Metric]:
    rows = [((region, channel), at.timestamp()) for region, channel, at in last_messages()]
    yield gauge(
        "inbound_last_message_timestamp_seconds", "When a laboratory or a till was last heard of.",
        ("region", "channel"), rows,
    )  # fmt: skip
    waiting = Unmatched.objects.filter(state=Unmatched.State.OPEN).order_by()
    counts = waiting.values_list("region__name", "channel").annotate(number=Count("pk"))
    yield gauge(
        "inbound_unmatched", "Messages that belong to nothing known here.", ("region", "channel"),
        [(labels, number) for *labels, number in counts],
    )  # fmt: skip


def last_messages() -> Iterator[tuple[str, str, datetime]]:
    """A region's name, channel, and when its last message came; those that never sent any are left out. One query."""
    last = {channel: Subquery(_messages(OuterRef("pk"), channel)[:1]) for channel in Channel.values}
    for name, *moments in Region.objects.order_by("name").annotate(**last).values_list("name", *last):
        yield from ((name, channel, at) for channel, at in zip(last, moments, strict=True) if at is not None)


def last_message(region: Region, channel: str) -> datetime | None:
    """When the region's last one came."""
    at: datetime | None = _messages(region, channel).first()
    return at


def _messages(region: Region | OuterRef, channel: str) -> QuerySet[Inbound, Any]:
    """By the index inbound_by_region, the newest first."""
    mine = Inbound.objects.filter(region=region, channel=channel).order_by("-pk")
    return mine.values_list("received_at", flat=True)


def answers() -> Iterator[Metric]:
    """What was not uploaded or answered in time, as the clock of the page "Without an answer" has it."""
    sent = Batch.objects.order_by().values("region").distinct()
    found = [each for region in Region.objects.filter(pk__in=sent).order_by("name") for each in late(region)]
    label = ("region", "answer")
    yield gauge(
        "unanswered_dollars", "Dollars without an upload, 999, 277CA or 835 in time.", label,
        [((each.region.name, each.answer), float(each.charge)) for each in found],
    )  # fmt: skip
    yield gauge(
        "unanswered_items", "Batches or claims of them.", label,
        [((each.region.name, each.answer), each.items) for each in found],
    )  # fmt: skip
