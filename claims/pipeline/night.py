"""What lives for one part of a step: the night, its region, the commit frequency, and how to count what was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from backoffice.runs.faults import ConfigError
from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.models import StepPart
from backoffice.runs.parts import FenceLost
from claims.models import Night, OutputFile, StepSetting
from claims.pipeline import files, frames
from claims.pipeline.order import standing_after, unfinished_before
from regions.models import Region
from regions.of_run import region_of

if TYPE_CHECKING:
    import polars as pl

KEY = ("claim_id", "line_number")
HALF = (1 << 32) - 1


@dataclass(kw_only=True)
class Work:
    """Opened for one part. `references` are the tables that its step looks up, read once; `editions` say which they
    were, by table; `writer` writes files beside the part's own thread."""

    part: StepPart
    night: Night
    frequency: int
    writer: Executor
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

    def send(self, frame: pl.DataFrame, output: str) -> Future[OutputFile]:
        """The same by the writer, while the checkpoint's rows are written."""
        return self.writer.submit(files.save, frame, self.night, output, self.partition, self.number, self.part.fence)


def of_lines(data: Any, checkpoint: Json, done: int, of: int) -> Chunk:
    """A chunk that says how many lines of how many it ends with."""
    return Chunk(data=data, checkpoint=checkpoint, done=done, of=of, label=f"{done:,} of {of:,} lines")


@dataclass(kw_only=True, slots=True)
class Rows:
    """What the commit of a checkpoint writes: rows that vouch for files, some of which may still be on their way to the
    disk, and rows of tables."""

    files: Sequence[OutputFile] = ()
    coming: Sequence[Future[OutputFile]] = ()
    tables: Sequence[frames.Rows] = ()


def night_of(part: StepPart) -> Night:
    """The night of the part's chain; the first part of its first step makes it. ConfigError out of order."""
    run, region = part.run, region_of(part)
    run_date = date.fromisoformat(run.parameters["run_date"])
    if standing_after(region, run_date):
        raise ConfigError(f"A later night than {run_date} has begun; only the latest can be run again.")
    night, _ = Night.objects.select_related("region").get_or_create(
        region=region,
        run_date=run_date,
        defaults={"chain": run.chain, "partitions": run.parameters["partitions"]},
    )
    if night.partitions != run.parameters["partitions"]:  # it was undone, and is run in others now
        night.partitions = run.parameters["partitions"]
        night.save(update_fields=["partitions"])
    return night


def _check_order(part: StepPart) -> None:
    """Once more than at the start, for what is worked; what is undone may stand on nothing."""
    if before := unfinished_before(region_of(part), date.fromisoformat(part.run.parameters["run_date"])):
        raise ConfigError(f"The night of {before.run_date} is not complete. Finish it, then restart this one.")


@contextmanager
def opened(part: StepPart, *outputs: str) -> Iterator[Work]:
    """The work of a part; files that an earlier attempt wrote above its last checkpoint are deleted [S2-24]."""
    _check_order(part)
    night = night_of(part)
    for output in outputs:
        files.sweep(night, output, part.partition)
    frequency = StepSetting.objects.get(step=part.step.name).commit_frequency
    with ThreadPoolExecutor(1, thread_name_prefix="writer") as writer:
        try:
            yield Work(part=part, night=night, frequency=frequency, writer=writer)
        except FenceLost:
            writer.shutdown()
            # Whoever holds the part now has swept already, before this worker wrote its last files.
            for output in outputs:
                files.sweep(night, output, part.partition, fence=part.fence)
            raise


Figures = dict[str, int]


def counted(frame: pl.DataFrame, output: str, cents: str, *, billed: str = "billed") -> Figures:
    """Count, hash total in cents and order-free hashes of records of an output: of whole records, and of (claim, line,
    billed), which every later output must have as well. Nothing where there is none."""
    import polars as pl

    return counted_each(frame.with_columns(checkpoint=pl.lit(0)), output, cents, billed=billed).get(0, {})


def counted_each(block: pl.DataFrame, output: str, cents: str, *, billed: str = "billed") -> dict[int, Figures]:
    """What each checkpoint of a block adds to an output, by its number in the block."""
    import polars as pl

    key = block.select(*KEY, pl.col(billed).fill_null(0).alias("billed"))
    found = _sums(block, cents=block[cents].fill_null(0), billed=key["billed"], key=hashes(key))
    return {
        at: {
            f"out.{output}": records,
            f"cents.{output}": cents,
            f"hash.{output}": whole,
            f"key.{output}": key,
            f"billed.{output}": billed,
        }
        for at, records, whole, cents, billed, key in found.select(
            "checkpoint", "records", pl.col("hash", "cents", "billed", "key")
        ).iter_rows()
    }


def reading_each(block: pl.DataFrame, cents: str) -> dict[int, Figures]:
    """What each checkpoint of a block has read: the sums must be what the step before was verified to have written."""
    found = _sums(block, cents=block[cents].fill_null(0)).select("checkpoint", "records", "cents", "hash")
    return {at: {"in": records, "in.cents": cents, "in.hash": whole} for at, records, cents, whole in found.iter_rows()}


def _sums(block: pl.DataFrame, **columns: pl.Series) -> pl.DataFrame:
    """By checkpoint: how many records, the sums of these columns, and of the records' hashes."""
    import polars as pl

    whole = hashes(block.drop("seq", "checkpoint"))
    # A sum of 64 bits would wrap around.
    return (
        pl.DataFrame({"checkpoint": block["checkpoint"], "hash": whole, **columns})
        .with_columns(pl.col(pl.UInt64).cast(pl.Int128))
        .group_by("checkpoint")
        .agg(pl.len().alias("records"), pl.exclude("checkpoint").sum())
    )


def hashes(frame: pl.DataFrame) -> pl.Series:
    """The 64-bit hash of each record; the order of the columns and the width of whole numbers do not show."""
    import polars as pl

    return (
        frame.select(pl.col(sorted(frame.columns)))
        .with_columns(pl.col(pl.Int8, pl.Int16, pl.Int32).cast(pl.Int64))
        .hash_rows()
    )


def merged(count: int, *figures: dict[int, Figures]) -> list[Figures]:
    """The figures of each of so many checkpoints together."""
    return [{name: n for each in figures for name, n in each.get(at, {}).items()} for at in range(count)]


def commit(work: Work, found: Result) -> None:
    """Inside the checkpoint's one transaction."""
    rows: Rows | None = found.rows
    if rows is None:
        return
    for some in rows.tables:
        frames.append(some)
    if vouching := [*rows.files, *(file.result() for file in rows.coming)]:
        OutputFile.objects.bulk_create(vouching)
