"""What the rows to do come to, by reason, in one pass over each region: the figures of the dashboard."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import Case, Count, Q, Sum, When
from django.utils import timezone

from backoffice.formats import today_in
from backoffice.runs.reasons import fault_of
from clinic.models import ACTIONABLE, MissingService
from clinic.money import dollars, in_cents
from clinic.urgency import WARN_SHARE
from regions.models import Region

# A pass that takes longer is remembered for that many times its own duration, and the page says of when it is.
FAST_SECONDS = 0.5
KEPT_TIMES = 30
CENTS = in_cents("at_stake")

Groups = dict[tuple[str, str], Counter[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Rows to do of one category and reason; `unknown` of them have no figure; `share`: of the largest, in percent."""

    category: str
    reasons: str
    rows: int
    gross: Decimal
    unknown: int
    share: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stakes:
    """Of several regions together. net: what may still be collected; near: 80 % of the time to file is used."""

    rows: int = 0
    unknown: int = 0
    gross: Decimal = Decimal(0)
    net: Decimal = Decimal(0)
    overdue: Decimal = Decimal(0)
    near_rows: int = 0
    near: Decimal = Decimal(0)
    reasons: Sequence[Reason] = ()
    as_of: datetime | None = field(default=None)


def stakes(regions: Iterable[Region]) -> Stakes:
    """The sum over the regions; `as_of` is set where a remembered figure is part of it."""
    groups: Groups = {}
    net, as_of = Decimal(0), None
    for region in regions:
        found, at = _of_region(region)
        for key, figures in found.items():
            groups.setdefault(key, Counter()).update(figures)
        due = sum(figures["cents"] - figures["late"] for figures in found.values())
        net += (dollars(due) * region.collection_percent / 100).quantize(Decimal("0.01"))
        as_of = min(filter(None, (as_of, at)), default=None)
    total: Counter[str] = sum(groups.values(), Counter())
    return Stakes(
        rows=total["rows"],
        unknown=total["rows"] - total["known"],
        gross=dollars(total["cents"]),
        net=net,
        overdue=dollars(total["late"]),
        near_rows=total["near_rows"],
        near=dollars(total["near"]),
        reasons=_reasons(groups),
        as_of=as_of,
    )


def _of_region(region: Region) -> tuple[Groups, datetime | None]:
    key = f"stakes:{region.pk}"
    kept: tuple[Groups, datetime] | None = cache.get(key)
    if kept is not None:
        return kept
    began = time.monotonic()
    groups = _groups(region)
    seconds = time.monotonic() - began
    if seconds > FAST_SECONDS:
        cache.set(key, (groups, timezone.now()), timeout=seconds * KEPT_TIMES)
    return groups, None


def _groups(region: Region) -> Groups:
    today = today_in(region.zone)
    warned = today + timedelta(days=int(region.filing_days * (1 - WARN_SHARE)))
    late, near = Q(filing_deadline__lt=today), Q(filing_deadline__range=(today, warned))
    rows: Any = (
        MissingService.objects.filter(region=region, status__in=ACTIONABLE)
        .order_by()
        .values("category", "reasons")
        .annotate(
            rows=Count("pk"),
            known=Count("at_stake"),
            cents=Sum(CENTS),
            late=Sum(Case(When(late, then=CENTS))),
            near_rows=Count("pk", filter=near),
            near=Sum(Case(When(near, then=CENTS))),
        )
    )
    groups: Groups = {}
    for row in rows:
        key = row.pop("category"), fault_of(row.pop("reasons"))
        groups.setdefault(key, Counter()).update({name: n or 0 for name, n in row.items()})
    return groups


def _reasons(groups: Groups) -> list[Reason]:
    """The most money first."""
    most = max((figures["cents"] for figures in groups.values()), default=0) or 1
    found = [
        Reason(
            category=category,
            reasons=fault,
            rows=figures["rows"],
            gross=dollars(figures["cents"]),
            unknown=figures["rows"] - figures["known"],
            share=round(100 * figures["cents"] / most),
        )
        for (category, fault), figures in groups.items()
    ]
    return sorted(found, key=lambda reason: (-reason.gross, -reason.rows, reason.reasons))
