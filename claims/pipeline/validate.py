"""Step 2, PNCVALID: lines with a fault reject their whole claim; the others go on with dates and amounts read [S2-02].

A claim may span members and partitions, so the first checkpoint decides over the whole extract which claims are
rejected, and by which line; the others write the valid and the reject file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from backoffice.runs.job import Chunk, Fault, Json, Result
from backoffice.runs.models import Failure, StepPart
from claims.models import OutputFile
from claims.pipeline import editions, extract, files, once, parse, restage, verify
from claims.pipeline.ahead import ahead
from claims.pipeline.cut import checkpoints, cut, split
from claims.pipeline.night import Figures, Rows, Work, counted_each, merged, night_of, of_lines, opened, reading_each

if TYPE_CHECKING:
    import polars as pl

DECISIONS, VALID, REJECT = "decisions", "valid", "reject"
REASONS = {
    "R01": "no member id",
    "R02": "provider unknown",
    "R04": "service date is not a date, or after the run date",
    "R03": "provider not active on the service date",
    "R05": "billed or units are no amount above zero",
    "R06": "received more than 365 days after the service",
    "R07": "duplicate of a line of an earlier claim",
}
LATEST_DAYS = 365
SAME = ("member_id", "provider_npi", "day", "procedure_code", "count", "cents")


@contextmanager
def open_step(part: StepPart) -> Iterator[Work]:
    with opened(part, DECISIONS, VALID, REJECT) as work:
        work.references = editions.read(work, "providers")
        yield work


def chunks(work: Work, checkpoint: Json | None) -> Iterator[Chunk]:
    of = verify.control(work.night, "extract")["extract"]["count"]
    if checkpoint is None:
        yield Chunk(data=None, checkpoint=work.at(0), done=0, of=of, label="deciding over the whole extract")
    yield from ahead(_blocks(work, of))


def _blocks(work: Work, of: int) -> Iterator[list[Chunk]]:
    done = work.part.totals.get("in", 0)
    for block in cut(files.records(work.night, "extract", after=work.after), work.frequency):
        made = []
        for seq, valid, rejected, totals in _parted(work, block):
            done += totals["in"]
            made.append(of_lines((valid, rejected, totals), work.at(seq), done, of))
        yield made


def prepare(work: Work, chunk: Chunk) -> Result:
    if chunk.data is None:
        return _decide(work)
    valid, rejected, totals = chunk.data
    found = Result(totals=totals, rows=Rows(files=[work.save(valid, VALID), work.save(rejected, REJECT)]))
    if rejected.height:
        found.read, found.outcomes["rejected"] = rejected.height, rejected.height
    return found


def _decide(work: Work) -> Result:
    """One row for each rejected claim: the reason of its first faulty line, by line number, and what it bills."""
    import polars as pl

    providers = work.references["providers"]
    lines = files.records(work.night, "extract")
    faulty = list(ahead([_faulty(read(frame), providers, work)] for frame in whole_members(lines)))
    empty = pl.DataFrame(schema={"claim_id": pl.String, "line_number": pl.Int64, "reason": pl.String})
    claims = (
        pl.concat([empty, *faulty])
        .sort("claim_id", "line_number")
        .unique("claim_id", keep="first", maintain_order=True)
    )
    bills = [
        frame.join(claims, on="claim_id", how="semi").select("claim_id", cents=parse.cents("billed"))
        for frame in files.records(work.night, "extract", columns=("seq", "claim_id", "billed"))
    ]
    of_claims = pl.concat([pl.DataFrame(schema={"claim_id": pl.String, "cents": pl.Int64}), *bills])
    decided = claims.join(of_claims.group_by("claim_id").agg(pl.col("cents").sum()), on="claim_id", how="left").select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("seq"), "claim_id", "line_number", "reason", "cents"
    )
    once.refuse_passing(work.night, decided)
    work.references[DECISIONS] = decided
    return Result(rows=Rows(files=[work.save(decided, DECISIONS)]), failures=Rejections(decided))


@dataclass(frozen=True, slots=True)
class Rejections:
    """The rejected claims as failures, made anew each time: of a large night they are too many to be held."""

    decided: pl.DataFrame

    def __iter__(self) -> Iterator[Fault]:
        return _faults(self.decided)


def _faults(decided: pl.DataFrame) -> Iterator[Fault]:
    for claim_id, line, reason, cents in decided.drop("seq").iter_rows():
        yield Fault(
            category="rejected", reason=reason, reference=claim_id, detail=f"line {line}",
            money=Decimal(cents) / 100 if abs(cents) < 10**15 else None,  # what Failure.money_at_stake has room for
        )  # fmt: skip


def whole_members(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same records in frames that end with a member. Those without a member id are no duplicates, R01 comes first:
    a delivery that has lost them all is not held together."""
    import polars as pl

    held: pl.DataFrame | None = None
    for frame in frames:
        held = frame if held is None else pl.concat([held, frame])
        last = held["member_id"][-1]
        begin = held.height - int((held["member_id"] == last).sum()) if last else held.height
        if begin:
            yield held[:begin]
            held = held[begin:]
    if held is not None and held.height:
        yield held


def read(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        day=parse.day("service_date"), received=parse.day("received_date"), count=parse.units("units"),
        cents=parse.cents("billed"),
    )  # fmt: skip


def _faulty(lines: pl.DataFrame, providers: pl.DataFrame, work: Work) -> pl.DataFrame:
    """claim_id, line_number and reason of the lines that have one; the first that applies, in the order of REASONS."""
    import polars as pl

    known = lines.join(providers, on="provider_npi", how="left")
    active = (pl.col("active_from") <= pl.col("day")) & (
        pl.col("active_to").is_null() | (pl.col("active_to") >= pl.col("day"))
    )
    tests = {
        "R01": pl.col("member_id") == "",
        "R02": pl.col("active_from").is_null(),
        "R04": pl.col("day").is_null() | (pl.col("day") > work.run_date),
        "R03": ~active,
        "R05": pl.col("cents").is_null() | (pl.col("cents") <= 0) | pl.col("count").is_null() | (pl.col("count") < 1),
        "R06": pl.col("received").is_null() | ((pl.col("received") - pl.col("day")).dt.total_days() > LATEST_DAYS),
        "R07": pl.col("claim_id") > pl.col("claim_id").min().over(SAME),
    }
    reason = pl.coalesce([pl.when(test.fill_null(False)).then(pl.lit(name)) for name, test in tests.items()])
    return known.select("claim_id", "line_number", reason=reason).filter(pl.col("reason").is_not_null())


def _parted(work: Work, block: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame, pl.DataFrame, Figures]]:
    """Of each checkpoint its last number; valid lines, with what they say read; rejected claims, as they came, with
    their reason; and the figures."""
    import polars as pl

    count = checkpoints(block)
    reasons = decisions(work).select("claim_id", "reason")
    lines = read(block).join(reasons, on="claim_id", how="left", maintain_order="left")
    valid = lines.filter(pl.col("reason").is_null()).select(
        "checkpoint", "seq", "claim_id", "line_number", "member_id", "provider_npi",
        pl.col("day").alias("service_date"), "procedure_code", pl.col("count").alias("units"),
        pl.col("cents").alias("billed"),
    )  # fmt: skip
    rejected = lines.filter(pl.col("reason").is_not_null()).select(*block.columns, "reason")
    delivered = block.with_columns(in_cents=lines["cents"].fill_null(0))
    totals = merged(
        count, reading_each(delivered, "in_cents"), counted_each(valid, VALID, "billed"),
        extract.figures_each(rejected, REJECT),
    )  # fmt: skip
    ends = [frame["seq"][-1] for frame in split(block, count)]
    yield from zip(ends, split(valid, count), split(rejected, count), totals, strict=True)


def decisions(work: Work) -> pl.DataFrame:
    """The rejected claims, read once for the part."""
    if DECISIONS not in work.references:
        (row,) = OutputFile.objects.filter(night=work.night, output=DECISIONS)
        work.references[DECISIONS] = files.load(row)
    frame: pl.DataFrame = work.references[DECISIONS]
    return frame


def check(work: Work) -> Json:
    """valid + reject = extract, in lines, in cents and line by line."""
    import polars as pl

    before = verify.control(work.night, "extract")["extract"]
    found = {VALID: verify.file_sums(work, VALID, pl.col("billed")), REJECT: extract.read_back(work, REJECT)}
    both = {name: found[VALID][name] + found[REJECT][name] for name in ("count", "billed", "key")}
    verify.same("extract", before, "valid and reject", both)
    verify.unchanged(work, "extract", "extract")
    return found


def reset(part: StepPart) -> None:
    night = night_of(part)
    for output in (DECISIONS, VALID, REJECT):
        files.forget(night, output, part.partition)
    restage.withdraw(night)
    Failure.objects.filter(run__chain=part.step.chain, step=part.step.name).delete()
