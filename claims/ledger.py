"""The ledger of a member's accumulators: by benefit year the opening, every change with its claim line, the closing;
and between two nights, what somebody else has changed.

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Clash:
    """Somebody else than the nights has changed the year: `left` is what the night `after` left, `found` what the night
    `before` began with; where that is None, what stands now."""

    after: date
    before: date | None
    left: Balance
    found: Balance


@dataclass(kw_only=True)
class Year:
    """`replayed`: each checkpoint's lines lead from its image before to its image after."""

    year: int
    opening: Balance
    closing: Balance
    entries: list[Change | Clash] = field(default_factory=list)
    replayed: bool = True

    @property
    def clashes(self) -> list[Clash]:
        return [each for each in self.entries if isinstance(each, Clash)]

    @property
    def changes(self) -> list[Change]:
        return [each for each in self.entries if isinstance(each, Change)]

    @property
    def proved(self) -> bool:
        """Opening and lines come to what stands, and nothing else."""
        return self.replayed and not self.clashes


def balance(met: Met) -> Balance:
    visits = {category: count for category, count in sorted(met.visits.items()) if count}
    return Balance(deductible=dollars(met.deductible), out_of_pocket=dollars(met.out_of_pocket), visits=visits)


def current(region: Region, member: str) -> dict[int, Balance]:
    """What stands now, by benefit year."""
    rows = accumulators.stored(region.pk, [member])
    return {year: balance(accumulators.read(text)) for (_, year), text in sorted(rows.items())}


def holder(region: Region) -> Night | None:
    """The night whose step 5 has begun on the region's accumulators and is not complete: what stands is half done. Also
    where all that is left of its first checkpoint are the before images: the accumulators may have been written."""
    touched = (
        Q(status__in=(StepStatus.RUNNING, StepStatus.FAILED))
        | Q(parts__checkpoint_number__gt=0, status=StepStatus.PENDING)
        | Q(parts__undo=True)
    )
    unfinished = StepState.objects.filter(name=ADJUDICATE).exclude(status=StepStatus.COMPLETE)
    nights = Night.objects.filter(region=region, chain__in=unfinished.values("chain"))
    if night := nights.filter(chain__in=unfinished.filter(touched).values("chain")).first():
        return night
    return next((night for night in nights if accumulators.images_of(night).exists()), None)


def ledger(region: Region, member: str) -> list[Year]:
    """Every year of the member that stands or was changed, the latest first."""
    standing = {year: text for (_, year), text in accumulators.stored(region.pk, [member]).items()}
    nights = {night.pk: night for night in Night.objects.filter(region=region)}
    images: dict[int, list[BeforeImage]] = {}
    of_nights = [image for image in BeforeImage.objects.filter(member_id=member) if image.pk // NIGHT in nights]
    # By date, not by number: a night that was undone and run again after an earlier one has a smaller number than it.
    for image in sorted(of_nights, key=lambda image: (nights[image.pk // NIGHT].run_date, image.pk)):
        images.setdefault(image.benefit_year, []).append(image)
    years = sorted({*standing, *images}, reverse=True)
    return [_year(year, images.get(year, []), standing.get(year), nights) for year in years]


def _year(year: int, images: Sequence[BeforeImage], standing: str | None, nights: dict[int, Night]) -> Year:
    now = met_of(standing)
    met = met_of(images[0].before) if images else met_of(standing)
    found = Year(year=year, opening=balance(met), closing=balance(now))
    last: date | None = None
    for image in images:
        run_date, before = nights[image.pk // NIGHT].run_date, met_of(image.before)
        if met != before and last is not None and last != run_date:
            found.entries.append(Clash(after=last, before=run_date, left=balance(met), found=balance(before)))
            met = before
        found.replayed &= met == before
        for row in _lines(image):
            found.entries.append(_change(row, met, run_date))
        found.replayed &= met == met_of(image.after)
        last = run_date
    if met != now and last is not None:
        found.entries.append(Clash(after=last, before=None, left=balance(met), found=balance(now)))
    return found


def met_of(text: str | None) -> Met:
    """As it is stored; where nothing stands, nothing was met. Zeros are left out: others may spell them."""
    met = accumulators.read(text) if text is not None else Met()
    met.visits = {category: visits for category, visits in met.visits.items() if visits}
    return met


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
