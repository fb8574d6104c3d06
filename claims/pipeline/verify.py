"""After each step: what it wrote is read back and compared with what its checkpoints counted [S2-25] [X-12] [X-13]."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from backoffice.runs.faults import OutOfBalance
from backoffice.runs.job import Json
from backoffice.runs.models import StepPart, StepState
from claims.models import Night
from claims.pipeline import files
from claims.pipeline.night import KEY, Work, counted

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 700_000
Frames = Callable[[], Iterator["pl.DataFrame"]]


def control(night: Night, step: str) -> Json:
    """The figures of a step that is complete, by output."""
    outputs: Json = StepState.objects.get(chain=night.chain, name=step).outputs
    return outputs


def file_output(work: Work, output: str, cents: str, *, billed: str = "billed") -> Json:
    """The figures of an output in files, read back."""

    def frames() -> Iterator[pl.DataFrame]:
        return (files.load(row) for row in files.of_output(work.night, output))

    return check(work, output, cents, frames, billed=billed)


def check(
    work: Work, output: str, cents: str, frames: Frames, *, billed: str = "billed", ordered: bool = False
) -> Json:
    """count, cents, hash and digest of what is there; OutOfBalance names the output and both figures of the first that
    differs from what the checkpoints counted. `ordered`: the frames come by claim and line already."""
    expected = expectations(work, output)
    found: dict[str, int] = {}
    sha = hashlib.sha256()
    for frame in frames():
        for name, value in counted(frame, output, cents, billed=billed).items():
            found[name] = found.get(name, 0) + value
        if ordered:
            sha.update(_canonical(frame))
    for name, word in (("out", "records"), ("cents", "cents"), ("hash", "as the hash of the records")):
        equal(output, word, expected.get(f"{name}.{output}", 0), found.get(f"{name}.{output}", 0))
    count = found.get(f"out.{output}", 0)
    return {
        "count": count,
        "cents": found.get(f"cents.{output}", 0),
        "billed": found.get(f"billed.{output}", 0),
        "hash": found.get(f"hash.{output}", 0),
        "key": found.get(f"key.{output}", 0),
        "digest": sha.hexdigest() if ordered else digest(frames, count),
    }


def expectations(work: Work, output: str) -> dict[str, int]:
    """What the step's checkpoints have counted, over all partitions."""
    sums: dict[str, int] = {}
    for totals in StepPart.objects.filter(step=work.part.step_id).values_list("totals", flat=True):
        for name, value in totals.items():
            if name.endswith(f".{output}"):
                sums[name] = sums.get(name, 0) + value
    return sums


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


def digest(frames: Frames, count: int) -> str:
    """SHA-256 over the canonical CSV of the rows in (claim_id, line_number) order, so that partitions do not show.

    More rows than fit into memory are taken in ranges of claim ids, one pass for each.
    """
    import polars as pl

    sha = hashlib.sha256()
    for low, high in _ranges(frames, count):
        inside = [frame.drop("seq").filter(_between(low, high)) for frame in frames()]
        if inside:
            sha.update(_canonical(pl.concat(inside).sort(*KEY)))
    return sha.hexdigest()


def _canonical(frame: pl.DataFrame) -> bytes:
    text = io.BytesIO()
    frame.drop("seq", strict=False).write_csv(text, include_header=False)
    return text.getvalue()


def _between(low: str | None, high: str | None) -> pl.Expr:
    import polars as pl

    above = pl.lit(value=True) if low is None else pl.col("claim_id") >= low
    return above if high is None else above & (pl.col("claim_id") < high)


def _ranges(frames: Frames, count: int) -> Iterable[tuple[str | None, str | None]]:
    pieces = -(-count // AT_ONCE)
    if pieces <= 1:
        return [(None, None)]
    sample = sorted({claim for frame in frames() for claim in frame["claim_id"][:: max(1, frame.height // 50)]})
    marks = [sample[len(sample) * piece // pieces] for piece in range(1, pieces)]
    return list(zip([None, *marks], [*marks, None], strict=True))
