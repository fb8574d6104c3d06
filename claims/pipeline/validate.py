"""Step 2, PNCVALID: lines with a fault reject their whole claim; the others go on with dates and amounts read [S2-02].

A claim may span members and partitions, so the first checkpoint decides over the whole extract which claims are
rejected, and by which line; the others write the valid and the reject file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from backoffice.runs.job import Chunk, Fault, Json, Result
from backoffice.runs.models import Failure, StepPart
from claims.models import OutputFile
from claims.pipeline import editions, extract, files, parse, restage, verify
from claims.pipeline.cut import cut
from claims.pipeline.night import Rows, Work, counted, night_of, opened, reading, result

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
    done = work.part.totals.get("in", 0)
    for frame in cut(files.records(work.night, "extract", after=work.after), work.frequency):
        done += frame.height
        seq = int(frame["seq"][-1])
        yield Chunk(data=frame, checkpoint=work.at(seq), done=done, of=of, label=f"{done:,} of {of:,} lines")


def prepare(work: Work, chunk: Chunk) -> Result:
    return _decide(work) if chunk.data is None else _split(work, chunk.data)


def _decide(work: Work) -> Result:
    """One row for each rejected claim: the reason of its first faulty line, by line number, and what it bills."""
    import polars as pl

    providers = work.references["providers"]
    lines = files.records(work.night, "extract")
    faulty = [_faulty(read(frame), providers, work) for frame in whole_members(lines)]
    empty = pl.DataFrame(schema={"claim_id": pl.String, "line_number": pl.Int64, "reason": pl.String})
    claims = (
        pl.concat([empty, *faulty])
        .sort("claim_id", "line_number")
        .unique("claim_id", keep="first", maintain_order=True)
    )
    bills = [
        frame.join(claims, on="claim_id", how="semi").select("claim_id", cents=parse.cents("billed"))
        for frame in files.records(work.night, "extract")
    ]
    of_claims = pl.concat([pl.DataFrame(schema={"claim_id": pl.String, "cents": pl.Int64}), *bills])
    decided = claims.join(of_claims.group_by("claim_id").agg(pl.col("cents").sum()), on="claim_id", how="left").select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("seq"), "claim_id", "line_number", "reason", "cents"
    )
    row = files.save(decided, work.night, DECISIONS, work.partition, work.number, work.part.fence)
    return result(0, {}, Rows(files=[row]), failures=list(_faults(decided)))


def _faults(decided: pl.DataFrame) -> Iterator[Fault]:
    for claim_id, line, reason, cents in decided.drop("seq").iter_rows():
        yield Fault(
            category="rejected", reason=reason, reference=claim_id, detail=f"line {line}", money=Decimal(cents) / 100
        )


def whole_members(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same records in frames that end with a member."""
    import polars as pl

    held: pl.DataFrame | None = None
    for frame in frames:
        held = frame if held is None else pl.concat([held, frame])
        of_last = held["member_id"] == held["member_id"][-1]
        begin = held.height - int(of_last.sum())
        if begin:
            yield held[:begin]
            held = held[begin:]
    if held is not None:
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


def _split(work: Work, frame: pl.DataFrame) -> Result:
    """Valid lines on, with what they say read; rejected claims aside, as they came, with their reason."""
    import polars as pl

    claims = decisions(work).select("claim_id", "reason")
    rejected = frame.join(claims, on="claim_id", how="inner", maintain_order="left")
    lines = read(frame)
    valid = lines.join(claims, on="claim_id", how="anti", maintain_order="left").select(
        "seq", "claim_id", "line_number", "member_id", "provider_npi", pl.col("day").alias("service_date"),
        "procedure_code", pl.col("count").alias("units"), pl.col("cents").alias("billed"),
    )  # fmt: skip
    found = result(
        frame.height,
        {
            **reading(frame.with_columns(in_cents=lines["cents"].fill_null(0)), "in_cents"),
            **counted(valid, VALID, "billed"),
            **extract.figures(rejected, REJECT),
        },
        Rows(files=[work.save(valid, VALID), work.save(rejected, REJECT)]),
    )
    if rejected.height:
        found.read, found.outcomes["rejected"] = rejected.height, rejected.height
    return found


def decisions(work: Work) -> pl.DataFrame:
    """The rejected claims, read once for the part."""
    if DECISIONS not in work.references:
        (row,) = OutputFile.objects.filter(night=work.night, output=DECISIONS)
        work.references[DECISIONS] = files.load(row)
    frame: pl.DataFrame = work.references[DECISIONS]
    return frame


def check(work: Work) -> Json:
    """valid + reject = extract, in lines, in cents and line by line."""
    before = verify.control(work.night, "extract")["extract"]
    found = {VALID: verify.file_output(work, VALID, "billed"), REJECT: extract.read_back(work, REJECT)}
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
