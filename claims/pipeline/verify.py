"""After each step: what it wrote is compared with what its checkpoints counted [S2-25] [X-12] [X-13].

Count and cents are added up from what is there; what the next step reads is compared record by record as it is read
(`unchanged`), what none reads is read back at once. A step's `digest` is one value over count, cents and hashes, in
which neither order, nor partition, nor checkpoint shows; claims/pipeline/digest.py has the one over the rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from django.db import connection

from backoffice.runs.faults import OutOfBalance
from backoffice.runs.job import Json
from backoffice.runs.models import StepPart, StepState
from claims.models import Night
from claims.pipeline import bulk, files
from claims.pipeline.cut import BLOCK
from claims.pipeline.night import Work, counted

if TYPE_CHECKING:
    import polars as pl
    from django.db.models import Model

FIGURES = ("out", "cents", "billed", "hash", "key")


def control(night: Night, step: str) -> Json:
    """The figures of a step that is complete, by output."""
    outputs: Json = StepState.objects.get(chain=night.chain, name=step).outputs
    return outputs


def file_output(work: Work, output: str, cents: str) -> Json:
    """The figures of an output in files, read back."""

    def frames() -> Iterator[pl.DataFrame]:
        return (files.load(row) for row in files.of_output(work.night, output))

    return check(work, output, cents, frames())


def file_sums(work: Work, output: str, billed: pl.Expr) -> Json:
    """The same of an output that the next step reads: of its files, only what is billed is read, in cents."""
    expected, found = expectations(work, output), Counter[str]()
    for frame in _together(files.load(row, ["billed"]) for row in files.of_output(work.night, output)):
        found.update(out=frame.height, cents=frame.select(billed.sum()).item())
    found["billed"] = found["cents"]
    return _agreed(output, expected, expected | found)


def check(work: Work, output: str, cents: str, frames: Iterable[pl.DataFrame], *, billed: str = "billed") -> Json:
    """count, cents, hash and digest of what is there; OutOfBalance names the output and both figures of the first that
    differs from what the checkpoints counted."""
    expected = expectations(work, output)
    found: Counter[str] = Counter()
    for frame in _together(frames):
        found.update(counted(frame, output, cents, billed=billed))
    return _agreed(output, expected, {name: found[f"{name}.{output}"] for name in FIGURES})


def _together(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same records in larger frames: a night that commits often has many small files."""
    import polars as pl

    held: list[pl.DataFrame] = []
    for frame in frames:
        held.append(frame)
        if sum(some.height for some in held) >= BLOCK:
            yield pl.concat(held)
            held = []
    if held:
        yield pl.concat(held)


def table(work: Work, model: type[Model], output: str, cents: str) -> Json:
    """The same of an output in a bulk table, which the database adds up."""
    expected = expectations(work, output)
    rows, parameters = bulk.rows_of(model, work.night)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), coalesce(sum({cents}), 0), coalesce(sum(billed), 0) FROM {rows}",  # noqa: S608 (names of our own)
            parameters,
        )
        sums = map(int, cursor.fetchone())
    return _agreed(output, expected, expected | dict(zip(FIGURES, sums, strict=False)))


def _agreed(output: str, expected: dict[str, int], found: dict[str, int]) -> Json:
    words = {"out": "records", "cents": "cents", "billed": "cents billed", "hash": "as the hash of the records"}
    for name, word in words.items():
        equal(output, word, expected[name], found[name])
    text = ":".join(str(found[name]) for name in FIGURES)
    return {
        "count": found["out"], "cents": found["cents"], "billed": found["billed"], "hash": found["hash"],
        "key": found["key"], "digest": hashlib.sha256(text.encode()).hexdigest(),
    }  # fmt: skip


def expectations(work: Work, output: str) -> dict[str, int]:
    """What the step's checkpoints have counted, over all partitions."""
    sums: Counter[str] = Counter()
    for totals in StepPart.objects.filter(step=work.part.step_id).values_list("totals", flat=True):
        sums.update({name: totals.get(f"{name}.{output}", 0) for name in FIGURES})
    return {name: sums[name] for name in FIGURES}


def equal(output: str, what: str, expected: int, found: int, more: str = "") -> None:
    if expected != found:
        raise OutOfBalance(f"{output}: {expected:,} {what} expected, {found:,} found, {found - expected:+,}.{more}")


def unchanged(work: Work, step: str, output: str) -> None:
    """What the checkpoints of this step have read is what the step before was verified to have written."""
    before, read = control(work.night, step)[output], Counter[str]()
    for totals in StepPart.objects.filter(step=work.part.step_id).values_list("totals", flat=True):
        read.update({name: totals.get(name, 0) for name in ("in", "in.cents", "in.hash")})
    more = f" It changed after it was verified: restart from {step}."
    equal(output, "records", before["count"], read["in"], more)
    equal(output, "cents", before["cents"], read["in.cents"], more)
    equal(output, "as the hash of the records", before["hash"], read["in.hash"], more)


def same(earlier: str, before: Json, later: str, after: Json) -> None:
    """What one output holds the other must hold: the same lines with the same billed cents."""
    for name, what in (("count", "records"), ("billed", "cents billed"), ("key", "as the hash of claims and lines")):
        if before[name] != after[name]:
            raise OutOfBalance(f"{earlier} has {before[name]:,} {what}, {later} has {after[name]:,}.")
