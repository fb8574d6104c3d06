"""Step 3, PNCENRCH: plan and category of each line, or the denial code of one that cannot be covered [S2-03].

Codes are X12's claim adjustment reasons: 31 patient not identified as our insured, 26 before coverage, 27 after
coverage, 181 procedure code invalid on the date, 96 non-covered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.models import StepPart
from claims.models import OutputFile
from claims.pipeline import coverage, editions, files, verify
from claims.pipeline.ahead import ahead
from claims.pipeline.coverage import Coverage
from claims.pipeline.cut import checkpoints, cut, split
from claims.pipeline.night import Figures, Rows, Work, counted_each, merged, night_of, of_lines, opened, reading_each
from claims.pipeline.numbers import span

if TYPE_CHECKING:
    import polars as pl

OUTPUT = "enriched"


@contextmanager
def open_step(part: StepPart) -> Iterator[Work]:
    with opened(part, OUTPUT) as work, coverage.spooled(work.region) as members:
        editions.note(work, {coverage.TABLE: members.edition})
        tables = editions.read(work, "procedures", "plan_benefits")
        work.references = {
            "members": members,
            "procedures": tables["procedures"],
            "benefits": tables["plan_benefits"].select("plan_id", "category", "covered"),
        }
        yield work


def chunks(work: Work, checkpoint: Json | None) -> Iterator[Chunk]:
    return ahead(of_files(work, "valid", _computed))


def of_files(work: Work, output: str, compute: Callable[[Work, pl.DataFrame], Iterable[Any]]) -> Iterator[list[Chunk]]:
    """The records of the part's partition, in blocks, and what `compute` makes of each of their checkpoints; how far
    along it is comes from their numbers."""
    begin, end = span(work.night.pk, work.partition)
    rows = [row for row in files.of_output(work.night, output) if row.last >= begin and row.first < end]
    of = max(begin, _last_below(end, rows[-1])) - begin if rows else 0
    for block in cut(files.records(work.night, output, partition=work.partition, after=work.after), work.frequency):
        ends = [frame["seq"][-1] for frame in split(block, checkpoints(block))]
        yield [
            of_lines(data, work.at(last), last - begin, of)
            for last, data in zip(ends, compute(work, block), strict=True)
        ]


def _last_below(end: int, row: OutputFile) -> int:
    """The number of the file's last record below `end`: it may run on into the next partition."""
    if row.last < end:
        return row.last
    numbers = files.load(row, ["seq"])["seq"]
    return int(numbers.filter(numbers < end)[-1])


def prepare(work: Work, chunk: Chunk) -> Result:
    enriched, totals = chunk.data
    return Result(totals=totals, rows=Rows(files=[work.save(enriched, OUTPUT)]))


def _computed(work: Work, block: pl.DataFrame) -> Iterable[tuple[pl.DataFrame, Figures]]:
    count = checkpoints(block)
    enriched = enrich(block, **work.references)
    totals = merged(count, reading_each(block, "billed"), counted_each(enriched, OUTPUT, "billed"))
    return zip(split(enriched, count), totals, strict=True)


def enrich(lines: pl.DataFrame, members: Coverage, procedures: pl.DataFrame, benefits: pl.DataFrame) -> pl.DataFrame:
    """The lines with plan_id, category (empty where there is none) and denial (0 for none)."""
    import polars as pl

    date = pl.col("service_date")
    return (
        lines.join(_coverage(lines, members), on="seq", how="left", maintain_order="left")
        .join(procedures, on="procedure_code", how="left", maintain_order="left")
        .join(benefits, on=("plan_id", "category"), how="left", maintain_order="left")
        .with_columns(
            denial=pl.when(pl.col("plan_id").is_null() & pl.col("first_day").is_null())
            .then(31)
            .when(pl.col("plan_id").is_null() & (date < pl.col("first_day")))
            .then(26)
            .when(pl.col("plan_id").is_null())
            .then(27)
            .when(pl.col("valid_from").is_null() | ~_holds("valid_from", "valid_to"))
            .then(181)
            .when(~pl.col("covered").fill_null(False))
            .then(96)
            .otherwise(0)
            .cast(pl.Int16)
        )
        .select(
            *lines.columns, pl.col("plan_id").fill_null(""), pl.col("category").fill_null(""), "denial",
        )
    )  # fmt: skip


def _coverage(lines: pl.DataFrame, members: Coverage) -> pl.DataFrame:
    """seq, plan_id of the coverage on the date (of several, the one that began last), and the member's first day."""
    import polars as pl

    first, last = str(lines["member_id"].min()), str(lines["member_id"].max())
    rows = members.between(first, last)
    # A small part would otherwise be joined with many members.
    low = rows["member_id"].search_sorted(first, side="left")
    high = rows["member_id"].search_sorted(last, side="right")
    near = rows[low:high]
    spans = lines.select("seq", "member_id", "service_date").join(near, on="member_id", how="inner")
    return spans.group_by("seq").agg(
        plan_id=pl.col("plan_id").filter(_holds("coverage_from", "coverage_to")).sort_by(
            pl.col("coverage_from").filter(_holds("coverage_from", "coverage_to"))
        ).last(),
        first_day=pl.col("coverage_from").min(),
    )  # fmt: skip


def _holds(begin: str, end: str) -> pl.Expr:
    """Whether the service date lies in the span; its last day is included, an open end never comes."""
    import polars as pl

    date = pl.col("service_date")
    return (pl.col(begin) <= date) & (pl.col(end).is_null() | (pl.col(end) >= date))


def check(work: Work) -> Json:
    import polars as pl

    editions.agree(work)
    found = verify.file_sums(work, OUTPUT, pl.col("billed"))
    verify.same("valid", verify.control(work.night, "validate")["valid"], OUTPUT, found)
    verify.unchanged(work, "validate", "valid")
    return {OUTPUT: found}


def reset(part: StepPart) -> None:
    files.forget(night_of(part), OUTPUT, part.partition)
