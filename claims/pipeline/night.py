"""What lives for one part of a step: the night, its region, the commit frequency, and how to count what was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from backoffice.runs.faults import ConfigError
from backoffice.runs.job import Json, Result
from backoffice.runs.models import StepPart
from backoffice.runs.parts import FenceLost
from claims.models import Night, OutputFile, StepSetting
from claims.pipeline import files
from regions.models import Region

if TYPE_CHECKING:
    import polars as pl

KEY = ("claim_id", "line_number")
HALF = (1 << 32) - 1


@dataclass(kw_only=True)
class Work:
    """Opened for one part. `references` are the tables that its step looks up, read once; `editions` say which they
    were, by table."""

    part: StepPart
    night: Night
    frequency: int
    references: dict[str, Any] = field(default_factory=dict)
    editions: dict[str, str] = field(default_factory=dict)

    @property
    def region(self) -> Region:
        return self.night.region

    @property
    def run_date(self) -> date:
        return self.night.run_date

    @property
    def partition(self) -> int:
        return self.part.partition

    @property
    def number(self) -> int:
        """Of the checkpoint that comes next."""
        return self.part.checkpoint_number + 1

    @property
    def after(self) -> int:
        """The number of the last record that was committed, 0 at the beginning."""
        return int((self.part.checkpoint or {}).get("seq", 0))

    def at(self, seq: int, **more: Any) -> Json:
        """The checkpoint after the record of that number."""
        return {"seq": seq, **more, "tables": self.editions}

    def save(self, frame: pl.DataFrame, output: str) -> OutputFile:
        return files.save(frame, self.night, output, self.partition, self.number, self.part.fence)


@dataclass(kw_only=True, slots=True)
class Rows:
    """What the commit of a checkpoint writes: rows that vouch for files, and frames for tables."""

    files: Sequence[OutputFile] = ()
    frames: Sequence[tuple[Any, pl.DataFrame]] = ()


def night_of(part: StepPart) -> Night:
    """The night of the part's chain; the first part of its first step makes it."""
    run = part.run
    if run.region is None:
        raise ConfigError("A night needs a region.")
    night, _ = Night.objects.select_related("region").get_or_create(
        region=run.region,
        run_date=date.fromisoformat(run.parameters["run_date"]),
        defaults={"chain": run.chain, "partitions": run.parameters["partitions"]},
    )
    return night


@contextmanager
def opened(part: StepPart, *outputs: str) -> Iterator[Work]:
    """The work of a part; files that an earlier attempt wrote above its last checkpoint are deleted [S2-24]."""
    night = night_of(part)
    for output in outputs:
        files.sweep(night, output, part.partition)
    frequency = StepSetting.objects.get(step=part.step.name).commit_frequency
    try:
        yield Work(part=part, night=night, frequency=frequency)
    except FenceLost:
        # Whoever holds the part now has swept already, before this worker wrote its last files.
        for output in outputs:
            files.sweep(night, output, part.partition, fence=part.fence)
        raise


def counted(frame: pl.DataFrame, output: str, cents: str, *, billed: str = "billed") -> dict[str, int]:
    """Count, hash total in cents and order-free hashes of what a checkpoint adds to an output: of whole records, and of
    (claim, line, billed), which every later output must have as well."""
    import polars as pl

    if frame.is_empty():
        return {}
    whole = frame.drop("seq")
    key = frame.select(*KEY, pl.col(billed).fill_null(0).alias("billed"))
    return {
        f"out.{output}": frame.height,
        f"cents.{output}": int(frame[cents].fill_null(0).sum()),
        f"hash.{output}": hashed(whole),
        f"key.{output}": hashed(key),
        f"billed.{output}": int(key["billed"].sum()),
    }


def hashed(frame: pl.DataFrame) -> int:
    """The sum of the records' 64-bit hashes: neither order nor partition shows."""
    import polars as pl

    if frame.is_empty():
        return 0
    canonical = frame.select(sorted(frame.columns)).with_columns(pl.col(pl.Int8, pl.Int16, pl.Int32).cast(pl.Int64))
    hashes = canonical.hash_rows()
    low = hashes & HALF
    return (int(((hashes - low) // (HALF + 1)).sum()) << 32) + int(low.sum())  # a sum of 64 bits would wrap around


def reading(frame: pl.DataFrame, cents: str) -> dict[str, int]:
    """What a checkpoint has read: the sums must be what the step before was verified to have written."""
    return {"in.cents": int(frame[cents].sum()), "in.hash": hashed(frame.drop("seq"))}


def result(frame_count: int, totals: dict[str, int], rows: Rows, **more: Any) -> Result:
    """A checkpoint that counts records in and out; outcomes are counted where they fall."""
    return Result(totals={"in": frame_count, **totals}, rows=rows, **more)


def commit(work: Work, found: Result) -> None:
    """Inside the checkpoint's one transaction."""
    from claims.pipeline import frames

    rows: Rows | None = found.rows
    if rows is None:
        return
    if rows.files:
        OutputFile.objects.bulk_create(rows.files)
    for model, frame in rows.frames:
        frames.write(frame, model)
