"""A claim line is adjudicated once, whatever batches it has come in: a rejected one may come again, by itself or
corrected, and what rejected it may be put right later on.

A night looks at the nights before it as it takes its lines. None of these can change while it stands, and later ones
are undone while it runs (claims/pipeline/order.py), so that once is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import OuterRef, Q, QuerySet

from backoffice.runs.faults import ConfigError, Misuse
from claims.models import Night, StagedBatch, StagedLine
from claims.pipeline import frames
from claims.pipeline.numbers import span
from claims.pipeline.order import undoing

if TYPE_CHECKING:
    import polars as pl

_TABLE = StagedLine._meta.db_table
_KEY = {"claim_id": "fresh.claim_id", "line_number": "fresh.line_number"}
_SHARED = (
    f"FROM {_TABLE} AS fresh JOIN {_TABLE} AS old"
    " ON old.claim_id = fresh.claim_id AND old.line_number = fresh.line_number"
    " WHERE fresh.batch_id = %s AND old.batch_id = %s"
)
SHARED = f"SELECT {', '.join(_KEY.values())} {_SHARED}"
ADJUDICATED = (
    f"{SHARED} AND EXISTS (SELECT 1 FROM claims_adjudicatedclaim AS done WHERE done.claim_id = old.claim_id"  # noqa: S608
    " AND done.line_number = old.line_number AND done.seq >= %s AND done.seq < %s)"
)
Batches = QuerySet[StagedBatch]


def _key() -> dict[str, Any]:
    import polars as pl

    return {"claim_id": pl.String, "line_number": pl.Int64}


@dataclass(frozen=True, kw_only=True, slots=True)
class Twice:
    """A claim line of a batch that is somewhere else as well."""

    claim: str
    line: int
    batch: StagedBatch

    def __str__(self) -> str:
        return f"Claim {self.claim} line {self.line} of batch {self.batch.pk}"


def meeting(batches: Batches, others: Batches) -> Iterator[tuple[StagedBatch, StagedBatch]]:
    """Pairs whose ranges of claim ids meet. Ids mostly grow, and then a year of nights need not be compared."""
    ranges = list(_ranges(others))
    for batch, first, last in _ranges(batches):
        for other, begin, end in ranges:
            if other.pk != batch.pk and first <= end and begin <= last:
                yield batch, other


def _ranges(batches: Batches) -> Iterator[tuple[StagedBatch, str, str]]:
    """The lowest and the highest claim id of each that has lines, byte by byte in the database and here."""
    lines = StagedLine.objects.filter(batch=OuterRef("pk")).values("claim_id")
    for batch in batches.annotate(
        lowest=lines.order_by("claim_id")[:1], highest=lines.order_by("-claim_id")[:1]
    ).order_by("run_date", "pk"):
        if batch.lowest is not None:
            yield batch, batch.lowest, batch.highest


def of_night(night: Night) -> Batches:
    return _of_region(night).filter(run_date=night.run_date)


def _of_region(night: Night) -> Batches:
    return StagedBatch.objects.filter(region=night.region_id)


def refuse_twice(night: Night, batches: Batches, *, taken: bool) -> None:
    """ConfigError where one of these batches, which are the night's (taken) or will be, has a line of another, or one
    that an earlier night has adjudicated."""
    for batch, other in meeting(batches, batches):
        if batch.pk > other.pk and (found := _first(SHARED, batch, other)):
            raise ConfigError(f"{found} is in batch {other.pk} as well. {_load_without(night, batch, taken)}")
    earlier = {each.run_date: each for each in Night.objects.filter(region=night.region_id)}
    for batch, other in meeting(batches, _of_region(night).filter(run_date__lt=night.run_date)):
        done = earlier.get(other.run_date or date.min)
        if done and (found := _first(ADJUDICATED, batch, other, *span(done.pk))):
            raise ConfigError(
                f"{found} was adjudicated on {done.run_date} already. {_load_without(night, batch, taken)}"
            )


def _load_without(night: Night, batch: StagedBatch, taken: bool) -> str:
    if batch.rejects_of:
        night_of = f"the night of {batch.rejects_of}"
        return f"It has rejects of {night_of}, staged again: restart that night from validate, which withdraws it."
    first = f"Take the night back ({undoing(night, '--release')}), discard" if taken else "Discard"
    return f"{first} batch {batch.pk} and load it without such lines: the load names them."


def refuse_passing(night: Night, rejected: pl.DataFrame) -> None:
    """ConfigError where a line of the night's passes, that of a claim which is not among the rejected ones, although it
    has come again, in a batch that waits or is a later night's: both would be paid."""
    for batch, other in meeting(of_night(night), _since(night)):
        for lines in frames.stream(_SHARED, [batch.pk, other.pk], _key(), spelled=_KEY):
            passing = lines.join(rejected, on="claim_id", how="anti").sort("claim_id", "line_number")
            for claim, line in passing.head(1).iter_rows():
                found = Twice(claim=claim, line=line, batch=batch)
                raise ConfigError(f"{found} passes now, but {_came_again(night, other, 'restart this night')}")


def refuse_release(night: Night) -> None:
    """Misuse where a line of the night's has come again: released, both would be one night's."""
    for batch, other in meeting(of_night(night), _since(night)):
        if found := _first(SHARED, batch, other):
            raise Misuse(f"{found} {_came_again(night, other, 'take this night back')}")


def _since(night: Night) -> Batches:
    """What may have come again: batches that wait or are a later night's, which is undone. Not rejects of this
    night or an earlier one: they are no later form, and are withdrawn as their night decides anew or is undone."""
    since = _of_region(night).filter(Q(run_date=None) | Q(run_date__gt=night.run_date))
    return since.exclude(rejects_of__lte=night.run_date)


def _came_again(night: Night, other: StagedBatch, then: str) -> str:
    if other.run_date is None:
        where, first = "waits in", "Discard"
    else:
        later = Night(region=night.region, run_date=other.run_date)
        where, first = "is in", f"Take the night of {other.run_date} back ({undoing(later, '--release')}), discard"
    after = f"{then}, and load it again when this night has been run"
    return f"has come again: it {where} batch {other.pk}. {first} it, {after}."


def _first(statement: str, batch: StagedBatch, other: StagedBatch, *more: int) -> Twice | None:
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} ORDER BY fresh.claim_id, fresh.line_number LIMIT 1", [batch.pk, other.pk, *more])
        found = cursor.fetchone()
    return Twice(claim=found[0], line=found[1], batch=batch) if found else None
