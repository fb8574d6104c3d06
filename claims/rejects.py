"""Rejected claims: dismissed with a reason, reopened with another, or staged once more for the next night when what was
wrong is put right.

A reject is the kernel's Failure of category "rejected" of a night's run; its reference is the claim's id.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import groupby
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from backoffice.audit import hidden, record_change
from backoffice.runs.models import Failure, Resolution
from claims.jobs import RUN_PIPELINE_NAME
from claims.models import AdjudicatedClaim, Night, StagedBatch, StagedLine
from claims.pipeline.numbers import NIGHT
from claims.pipeline.restage import CATEGORY, batch_for_rejects, waiting
from regions.models import Region

Nights = dict[UUID, Night]  # a region's, by chain
Line = tuple[str, int]  # claim, line number
COPIED = [
    column.attname for column in StagedLine._meta.concrete_fields if column.attname not in ("id", "batch_id")
]  # fmt: skip


@dataclass(kw_only=True)
class Restaged:
    """What came of it: claims and lines that wait now, and claims that were refused, by why."""

    claims: int = 0
    lines: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1


def rejects() -> QuerySet[Failure]:
    return Failure.objects.filter(run__job=RUN_PIPELINE_NAME, category=CATEGORY)


def dismiss(rows: Iterable[Failure], user: User, reason: str) -> int:
    """Open rejects only; say how many."""
    return sum(_move(row, Resolution.OPEN, Resolution.DISMISSED, user, reason) for row in rows)


def reopen(rows: Iterable[Failure], user: User, reason: str) -> int:
    """Dismissed rejects only; say how many. Who reopened it, when and why stays with the row until it is resolved."""
    return sum(_move(row, Resolution.DISMISSED, Resolution.OPEN, user, reason) for row in rows)


def reprocess(rows: QuerySet[Failure], user: User) -> Restaged:
    """Stage each claim's lines of its night once more, one batch for each region, and call its reject fixed."""
    found = Restaged()
    ordered = rows.select_related("run__region").order_by("run__region_id", "run_id", "id")
    for region, of_region in groupby(ordered, key=lambda row: row.run.region):
        if region is not None:
            _restage(region, list(of_region), user, found)
    return found


@transaction.atomic
def _restage(region: Region, rows: Sequence[Failure], user: User, found: Restaged) -> None:
    Region.objects.select_for_update(no_key=True).get(
        pk=region.pk
    )  # two who press the button at once come one after the other
    nights = {night.chain: night for night in Night.objects.filter(region=region)}
    settled = {claim for claim, _ in _adjudicated({row.reference for row in rows}, nights)}
    duplicates = _duplicates(rows, nights)
    batches: dict[date, StagedBatch] = {}
    for row in rows:
        night = nights.get(row.run.chain)
        why = _refusal(row, night, settled, duplicates)
        if night is None or why:
            found.refuse(why)
            continue
        batch = batches.get(night.run_date)
        if batch is None:
            batch = batch_for_rejects(night)
            batches[night.run_date] = batch
        lines = _copy(row.reference, night, batch)
        batch.lines += lines
        found.lines += lines
        found.claims += 1
        _move(row, Resolution.OPEN, Resolution.FIXED, user, "", batch=batch.pk)
    for batch in batches.values():
        batch.save(update_fields=["lines"])


def _refusal(row: Failure, night: Night | None, settled: set[str], duplicates: set[int]) -> str:
    """Why the claim is not staged again; empty where nothing speaks against it."""
    if row.resolution != Resolution.OPEN:
        return "resolved already"
    if night is None or not night.complete:
        return "their night is not complete"
    if row.reference in settled:
        return "paid or denied in a night already"
    if row.pk in duplicates:
        return (
            "another claim with the same line is paid. Dismiss them; or, where that claim is the wrong one, take its"
            " night back and load it without that claim"
        )
    if came := _came_again(row.reference, night):
        return came
    return "" if lines_of(row.reference, night).exists() else "their lines are not there any more"


def _came_again(claim_id: str, night: Night) -> str:
    """Whether the claim waits, or a later night has one of these lines, whatever has become of that night by now."""
    batches = StagedBatch.objects.filter(Q(run_date=None) | Q(run_date__gt=night.run_date), region=night.region_id)
    same = StagedLine.objects.filter(claim_id=claim_id, batch__in=batches).select_related("batch")
    lines = lines_of(claim_id, night).values("line_number")
    found = same.filter(Q(batch__run_date=None) | Q(line_number__in=lines)).first()
    if found is None:
        return ""
    if found.batch.run_date is None:
        return "waiting for the next night already"
    return f"came again in batch {found.batch_id}, and the night of {found.batch.run_date} decides on that one"


def lines_of(claim_id: str, night: Night) -> QuerySet[StagedLine]:
    """As they were delivered for the night."""
    return _lines_of(night).filter(claim_id=claim_id).order_by("line_number")


def _lines_of(night: Night) -> QuerySet[StagedLine]:
    batches = StagedBatch.objects.filter(region=night.region_id, run_date=night.run_date)
    return StagedLine.objects.filter(batch__in=batches)


def _copy(claim_id: str, night: Night, batch: StagedBatch) -> int:
    values = lines_of(claim_id, night).values(*COPIED)
    return len(StagedLine.objects.bulk_create(StagedLine(batch=batch, **line) for line in values))


def _adjudicated(claims: set[str], nights: Nights, **paid: int) -> set[Line]:
    """Those of the claims' lines that a night of the region has paid or denied: once more would be twice."""
    own = {night.pk for night in nights.values()}
    rows = AdjudicatedClaim.objects.filter(claim_id__in=claims, **paid).values_list("claim_id", "line_number", "seq")
    return {(claim, line) for claim, line, seq in rows if seq // NIGHT in own}


def _duplicates(rows: Sequence[Failure], nights: Nights) -> set[int]:
    """The rejects with a line that is paid under another claim's id. The next night knows only its own lines, and would
    not see that it is a duplicate (R07)."""
    open_rows = [row for row in rows if row.resolution == Resolution.OPEN and row.run.chain in nights]
    others = {row.pk: _same_lines(row.reference, nights[row.run.chain]) for row in open_rows}
    paid = _adjudicated({claim for lines in others.values() for claim, _ in lines}, nights, denial=0)
    return {pk for pk, lines in others.items() if lines & paid}


def _same_lines(claim_id: str, night: Night) -> set[Line]:
    """Lines that other claims of the night have in common with the claim; without a member id none is the same."""
    mine = {_what(line) for line in lines_of(claim_id, night) if line.member_id}
    others = _lines_of(night).exclude(claim_id=claim_id)
    near = others.filter(member_id__in={what[0] for what in mine}, service_date__in={what[1] for what in mine})
    return {(line.claim_id, line.line_number) for line in near if _what(line) in mine}


def _what(line: StagedLine) -> tuple[str | Decimal, ...]:
    """As validation compares lines (validate.SAME): 500 dollars are 500.00."""
    texts = (line.member_id, line.service_date, line.provider_npi, line.procedure_code)
    return (*texts, _number(line.units), _number(line.billed))


def _number(text: str) -> str | Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text


def _move(row: Failure, expected: Resolution, to: Resolution, user: User, reason: str, **details: int) -> bool:
    """By compare-and-set, and into the audit log, which never holds the reason itself."""
    changed = Failure.objects.filter(pk=row.pk, resolution=expected).update(
        resolution=to, resolved_by=user, resolved_at=timezone.now(), resolved_reason=reason
    )
    if changed:
        changes = {"resolution": (str(expected), str(to))}
        if reason or row.resolved_reason:
            changes["resolved_reason"] = (hidden(row.resolved_reason), hidden(reason))
        record_change(row, changes, region=row.run.region_id, **details)
    return bool(changed)


def wait_again(night: Night) -> int:
    """How many lines of the night's rejects wait for the next night."""
    return sum(waiting(night).values_list("lines", flat=True))


def export_rows(rows: QuerySet[Failure]) -> Iterator[tuple[object, ...]]:
    """EXPORTED of the rows, in their order."""
    for row in rows.select_related("run__region", "resolved_by").iterator(chunk_size=2_000):
        region = row.run.region.name if row.run.region else ""
        who = row.resolved_by.get_username() if row.resolved_by else ""
        yield (
            region, row.run.parameters.get("run_date", ""), row.reference, row.detail.removeprefix("line "), row.reason,
            row.money_at_stake, row.resolution, who, row.resolved_reason,
        )  # fmt: skip


EXPORTED = (
    "region", "run_date", "claim_id", "line_number", "reason", "billed", "resolution", "resolved_by", "resolved_reason",
)  # fmt: skip
