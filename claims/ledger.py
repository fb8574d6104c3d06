"""The ledger of a member's accumulators: by benefit year the opening, every change with its claim line, the closing.

Each change is in its adjudicated line; the before images say where a member's lines lie and what stood before and after
them, so that the replay proves itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q

from backoffice.audit import record_view
from backoffice.runs.models import StepState, StepStatus
from claims.controls import dollars
from claims.models import Accumulator, AdjudicatedClaim, BeforeImage, Night
from claims.pipeline import accumulators
from claims.pipeline.numbers import NIGHT
from claims.pipeline.rules import Met
from regions.models import Region

ADJUDICATE = "adjudicate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """What has been met of a year, in dollars, and paid lines by category."""

    deductible: Decimal
    out_of_pocket: Decimal
    visits: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One paid line: what it added, and what stands after it."""

    run_date: date
    claim_id: str
    line_number: int
    service_date: date
    category: str
    deductible: Decimal
    out_of_pocket: Decimal
    after: Balance


@dataclass(kw_only=True)
class Year:
    """`proved`: each checkpoint's lines lead from its image before to its image after, and the last to what stands."""

    year: int
    opening: Balance
    closing: Balance
    changes: list[Change] = field(default_factory=list)
    proved: bool = True


def balance(met: Met) -> Balance:
    visits = {category: count for category, count in sorted(met.visits.items()) if count}
    return Balance(deductible=dollars(met.deductible), out_of_pocket=dollars(met.out_of_pocket), visits=visits)


def current(region: Region, member: str) -> dict[int, Balance]:
    """What stands now, by benefit year."""
    rows = accumulators.stored(region.pk, [member])
    return {year: balance(accumulators.read(text)) for (_, year), text in sorted(rows.items())}


def holder(region: Region) -> Night | None:
    """The night whose step 5 has begun on the region's accumulators and is not complete: what stands is half done."""
    touched = (
        Q(status__in=(StepStatus.RUNNING, StepStatus.FAILED))
        | Q(parts__checkpoint_number__gt=0, status=StepStatus.PENDING)
        | Q(parts__undo=True)
    )
    chains = StepState.objects.filter(touched, name=ADJUDICATE).exclude(status=StepStatus.COMPLETE).values("chain")
    return Night.objects.filter(region=region, chain__in=chains).first()


def ledger(region: Region, member: str) -> list[Year]:
    """Every year of the member that stands or was changed, the latest first."""
    standing = {year: text for (_, year), text in accumulators.stored(region.pk, [member]).items()}
    nights = {night.pk: night for night in Night.objects.filter(region=region)}
    images: dict[int, list[BeforeImage]] = {}
    for image in BeforeImage.objects.filter(member_id=member).order_by("id"):
        if image.pk // NIGHT in nights:
            images.setdefault(image.benefit_year, []).append(image)
    years = sorted({*standing, *images}, reverse=True)
    return [_year(year, images.get(year, []), standing.get(year), nights) for year in years]


def _year(year: int, images: Sequence[BeforeImage], standing: str | None, nights: dict[int, Night]) -> Year:
    now = _met(standing)
    met = _met(images[0].before) if images else _met(standing)
    found = Year(year=year, opening=balance(met), closing=balance(now))
    for image in images:
        found.proved &= met == _met(image.before)
        for row in _lines(image):
            found.changes.append(_change(row, met, nights[image.pk // NIGHT].run_date))
        found.proved &= met == _met(image.after)
    found.proved &= met == now
    return found


def _met(text: str | None) -> Met:
    return accumulators.read(text) if text is not None else Met()


def _lines(image: BeforeImage) -> Iterator[AdjudicatedClaim]:
    """The member's paid lines of the year within the checkpoint, in the order in which they were adjudicated."""
    rows = AdjudicatedClaim.objects.filter(seq__gte=image.first, seq__lte=image.last, member_id=image.member_id)
    return rows.filter(denial=0, service_date__year=image.benefit_year).order_by("seq").iterator()


def _change(row: AdjudicatedClaim, met: Met, run_date: date) -> Change:
    """Count the line into `met`, as adjudication did."""
    owed = row.deductible + row.copay + row.coinsurance
    met.deductible += row.deductible
    met.out_of_pocket += owed
    met.visits[row.category] = met.visits.get(row.category, 0) + 1
    return Change(
        run_date=run_date, claim_id=row.claim_id, line_number=row.line_number, service_date=row.service_date,
        category=row.category, deductible=dollars(row.deductible), out_of_pocket=dollars(owed), after=balance(met),
    )  # fmt: skip


def record_ledger_view(region: Region, member: str, **details: Any) -> None:
    """Which accumulators were shown, by their rows' numbers; of a member without any, that somebody looked."""
    rows = Accumulator.objects.using(accumulators.database()).filter(region_id=region.pk, member_id=member)
    found = list(rows.values_list("pk", flat=True))
    for pk in found:
        # Made anew: an entry about a row of another database would be written there.
        record_view(Accumulator(pk=pk, region_id=region.pk), ledger=True, **details)
    if not found:
        record_view(region, ledger=True, found=0, **details)
