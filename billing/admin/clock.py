"""The no-acknowledgement clock (billing/clock.py) as a page, and as a filter of the lists that it leads to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from backoffice.access import requires, scoped
from backoffice.lists import Filter
from billing.clock import UPLOAD, batches_not_sent, batches_without_999, claims_without, late
from billing.models import Batch
from regions.clearinghouse_keys import USUAL
from regions.models import Region

NO_999, NO_277CA, NO_835 = "999", "277CA", "835"


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """`key`: the region's setting, in `unit`; `late`: the region's rows that were sent before and wait for it."""

    key: str
    unit: str
    noun: str
    url_name: str
    late: Callable[[Region, datetime], QuerySet[Any]]
    what_to_do: str


CLOCKS: Mapping[str, Clock] = {
    UPLOAD: Clock(
        key="hours_to_upload", unit="hours", noun="batch,batches", url_name="admin:billing_batch_changelist",
        late=batches_not_sent,
        what_to_do="Submit claims: a file that waits is sent, and one at which a worker died is looked for at the "
        "clearinghouse first. If the last submission has failed, its run says why.",
    ),
    NO_999: Clock(
        key="hours_to_999", unit="hours", noun="batch,batches", url_name="admin:billing_batch_changelist",
        late=batches_without_999,
        what_to_do="List the mailbox and read its files. If there is none, ask the clearinghouse whether it has the "
        "file, and whether acknowledgements are switched on for the account.",
    ),
    NO_277CA: Clock(
        key="hours_to_277ca", unit="hours", noun="claim", url_name="admin:billing_claim_changelist",
        late=lambda region, before: claims_without(NO_277CA, region, before),
        what_to_do="Nobody has said that these claims were accepted or rejected: ask the clearinghouse.",
    ),
    NO_835: Clock(
        key="days_to_835", unit="days", noun="claim", url_name="admin:billing_claim_changelist",
        late=lambda region, before: claims_without(NO_835, region, before),
        what_to_do="The payer has not decided, or its remittance went elsewhere: ask for the claim's status, and "
        "whether remittances are switched on for this payer.",
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Late:
    """One of the clocks, for some regions: how much is late, since when, and the list of it."""

    name: str
    limit: str
    number: int
    charge: Decimal
    oldest: datetime | None
    clock: Clock

    @property
    def title(self) -> str:
        return f"No {self.name}"


def limit_of(clock: Clock, region: Region) -> int:
    return int({**USUAL, **region.clearinghouse}[clock.key])


def is_late(name: str, regions: Iterable[Region]) -> Q:
    """Which rows this clock has run out for: each region by its own setting."""
    clock, now = CLOCKS[name], timezone.now()
    either = Q(pk__in=())
    for region in regions:
        before = now - timedelta(**{clock.unit: limit_of(clock, region)})
        either |= Q(region=region.pk, pk__in=clock.late(region, before).order_by().values("pk"))
    return either


def filter_of(*names: str) -> Filter:
    """The lists' filter by what is late."""
    return Filter(
        name="late", title="Late",
        apply=lambda rows, value: rows.filter(is_late(value, senders(Region.objects.all()))),
        choices=lambda request: [(name, f"No {name}") for name in names],
    )  # fmt: skip


def senders(regions: Iterable[Region]) -> list[Region]:
    """Those that have stored a batch: of the others nothing can be late."""
    sent = set(Batch.objects.order_by().values_list("region", flat=True).distinct())
    return [region for region in regions if region.pk in sent]


def late_of(regions: Sequence[Region]) -> list[Late]:
    """The clocks of these regions: a query each for each that has stored a batch."""
    now = timezone.now()
    found = [each for region in senders(regions) for each in late(region, now)]
    return [_late(name, [each for each in found if each.answer == name], regions) for name in CLOCKS]


def _late(name: str, found: Sequence[Any], regions: Sequence[Region]) -> Late:
    clock = CLOCKS[name]
    limits = sorted({limit_of(clock, region) for region in regions})
    unit = clock.unit.removesuffix("s") if limits == [1] else clock.unit
    return Late(
        name=name,
        limit=f"{' to '.join(map(str, dict.fromkeys((*limits[:1], *limits[-1:]))))} {unit}",
        number=sum(each.items for each in found),
        charge=sum((each.charge for each in found), Decimal(0)),
        oldest=min((each.since for each in found if each.since), default=None),
        clock=clock,
    )


@requires("see")
def clock_page(request: HttpRequest, each_context: Callable[[HttpRequest], Any]) -> HttpResponse:
    regions = list(scoped(Region.objects.all(), request.user, ""))
    by_region = [(region, late_of([region])) for region in regions] if len(regions) > 1 else []
    late = late_of(regions)
    context = {
        **each_context(request),
        "title": "Without an answer",
        "regions": regions,
        "late": late,
        "any": any(clock.number for clock in late),
        "by_region": [(region, clocks) for region, clocks in by_region if any(clock.number for clock in clocks)],
    }
    return TemplateResponse(request, "admin/billing/clock.html", context)
