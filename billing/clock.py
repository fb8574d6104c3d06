"""The clock of answers: what was not uploaded, or not answered, in time, with its dollars (edi.md 1.5).

The questions are asked independently of each other: a claim may be late for its 277CA and for its 835.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Max, Min, QuerySet, Sum
from django.utils import timezone

from billing.models import Batch, Claim
from claims.edi.status import State
from regions.clearinghouse_keys import USUAL
from regions.models import Region

UPLOAD = "upload"
NOT_SENT = (Batch.State.BATCHED, Batch.State.UPLOADING)
SENT = (Batch.State.UPLOADED, Batch.State.UNCONFIRMED)
WITHOUT_277CA = (State.UPLOADED, State.RECEIVED)
# Neither rejected nor adjudicated; one that was uploaded and never answered is among them.
WITHOUT_835 = (
    State.UPLOADED, State.RECEIVED, State.ACCEPTED_BY_CLEARINGHOUSE, State.IN_TRANSIT, State.ACCEPTED_BY_PAYER,
    State.PENDING, State.INFORMATION_REQUESTED, State.FINALISED,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Late:
    """`answer`: upload, 999, 277CA or 835; `items`: batches for the first two, else claims; `since`: when the oldest
    was uploaded, or stored where it waits for its upload."""

    region: Region
    answer: str
    limit: timedelta
    items: int
    claims: int
    charge: Decimal
    since: datetime | None


def late(region: Region, now: datetime | None = None) -> list[Late]:
    """One for each answer, also where nothing is late. A query each."""
    now = now or timezone.now()
    told = {**USUAL, **region.clearinghouse}
    return [
        _not_sent(region, now, timedelta(hours=told["hours_to_upload"])),
        _batches(region, now, timedelta(hours=told["hours_to_999"])),
        _claims(region, now, "277CA", timedelta(hours=told["hours_to_277ca"])),
        _claims(region, now, "835", timedelta(days=told["days_to_835"])),
    ]


def batches_without_999(region: Region, before: datetime) -> QuerySet[Batch]:
    return Batch.objects.filter(region=region, state__in=SENT, acknowledged_at=None, uploaded_at__lt=before)


def batches_not_sent(region: Region, before: datetime) -> QuerySet[Batch]:
    """Stored before, and not at the clearinghouse: they wait for the next submission, or a worker died at them."""
    return Batch.objects.filter(region=region, state__in=NOT_SENT, created_at__lt=before)


def claims_without(answer: str, region: Region, before: datetime) -> QuerySet[Claim]:
    """Claims of batches uploaded before, that wait for a 277CA or an 835."""
    states = WITHOUT_277CA if answer == "277CA" else WITHOUT_835
    return Claim.objects.filter(region=region, state__in=states, batch_set__batch__uploaded_at__lt=before)


def _not_sent(region: Region, now: datetime, limit: timedelta) -> Late:
    return _of_batches(region, UPLOAD, limit, batches_not_sent(region, now - limit), "created_at")


def _batches(region: Region, now: datetime, limit: timedelta) -> Late:
    return _of_batches(region, "999", limit, batches_without_999(region, now - limit), "uploaded_at")


def _of_batches(region: Region, answer: str, limit: timedelta, late: QuerySet[Batch], since: str) -> Late:
    found = late.aggregate(items=Count("pk"), held=Sum("claims"), dollars=Sum("charge"), since=Min(since))
    return Late(
        region=region,
        answer=answer,
        limit=limit,
        items=found["items"],
        claims=found["held"] or 0,
        charge=found["dollars"] or Decimal(0),
        since=found["since"],
    )


def _claims(region: Region, now: datetime, answer: str, limit: timedelta) -> Late:
    found = claims_without(answer, region, now - limit).aggregate(
        items=Count("pk"), dollars=Sum("charge"), since=Min("batch_set__batch__uploaded_at")
    )
    return Late(
        region=region,
        answer=answer,
        limit=limit,
        items=found["items"],
        claims=found["items"],
        charge=found["dollars"] or Decimal(0),
        since=found["since"],
    )


def all_late(now: datetime | None = None) -> Iterator[Late]:
    """What is late in any region that has stored a batch."""
    sent = Batch.objects.order_by().values("region").annotate(last=Max("pk")).values("region")
    for region in Region.objects.filter(pk__in=sent).order_by("pk"):
        yield from (each for each in late(region, now) if each.items)
