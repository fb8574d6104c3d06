"""Step 6, PNCREMT: what each provider is told and paid, line by line, with its header; and the header of all [S2-06].

Per line billed - paid = CO-45 (billed - allowed) + PR-1 (deductible) + PR-2 (coinsurance) + PR-3 (copay), or the denial
of the whole billed amount (X12 835, CAS).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F, Sum

from backoffice.runs.faults import OutOfBalance
from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.models import StepPart
from claims.models import AdjudicatedClaim, Remittance
from claims.pipeline import bulk, documents, files, frames, verify
from claims.pipeline.adjudicate import OUTPUT as ADJUDICATED
from claims.pipeline.ahead import ahead
from claims.pipeline.cut import checkpoints, cut, split
from claims.pipeline.night import Rows, Work, counted_each, merged, night_of, of_lines, opened, reading_each
from claims.pipeline.night import commit as commit_rows
from claims.pipeline.shares import COLUMNS

if TYPE_CHECKING:
    import polars as pl

OUTPUT = "remittance"
CLAIM = ("provider_npi", "claim_id")
PATIENT_DENIALS = (26, 27, 31, 96, 119)  # the member's to pay (PR); the others are the provider's (CO)


@dataclass(kw_only=True, slots=True)
class Remitted(Rows):
    """A checkpoint's lines, and what they add to the headers of their providers."""

    headers: pl.DataFrame


@contextmanager
def open_step(part: StepPart) -> Iterator[Work]:
    with opened(part, OUTPUT) as work:
        yield work


def chunks(work: Work, checkpoint: Json | None) -> Iterator[Chunk]:
    return ahead(_by_provider(work, checkpoint or {"seq": 0, "key": ()}))


def _by_provider(work: Work, checkpoint: Json) -> Iterator[list[Chunk]]:
    """The lines in the order of the remittances, cut between a provider's claims, with their adjustments."""
    import polars as pl

    of = verify.control(work.night, "adjudicate")[ADJUDICATED]["count"]
    done = checkpoint["seq"]
    if not checkpoint["key"]:
        bulk.analyze(bulk.table_of(AdjudicatedClaim, work.night))  # else one processor alone would sort it
    lines = bulk.by_provider(AdjudicatedClaim, work.night, COLUMNS, after=checkpoint["key"])
    for block in cut(lines, work.frequency, claim=CLAIM, unknown=CLAIM):
        count = checkpoints(block)
        places = pl.int_range(done + 1, done + block.height + 1, dtype=pl.Int64, eager=True)
        adjusted_lines = adjusted(block).with_columns(seq=places)
        totals = merged(count, reading_each(block, "paid"), counted_each(adjusted_lines, OUTPUT, "paid"))
        made = []
        for frame, figures in zip(split(adjusted_lines, count), totals, strict=True):
            done += frame.height
            key = list(frame.select("provider_npi", "claim_id", "line_number").row(-1))
            made.append(of_lines((frame, headers(frame), figures), work.at(done, key=key), done, of))
        yield made


def prepare(work: Work, chunk: Chunk) -> Result:
    lines, of_providers, totals = chunk.data
    return Result(totals=totals, rows=Remitted(files=[work.save(lines, OUTPUT)], headers=of_providers))


def headers(lines: pl.DataFrame) -> pl.DataFrame:
    """One for each provider, in the order of the lines."""
    import polars as pl

    return lines.group_by("provider_npi", maintain_order=True).agg(
        claims=pl.col("claim_id").n_unique(), lines=pl.len(), billed=pl.col("billed").sum(), paid=pl.col("paid").sum()
    )


def adjusted(frame: pl.DataFrame) -> pl.DataFrame:
    """The lines with their adjustments in cents; OutOfBalance when they do not explain billed - paid."""
    import polars as pl

    denied = pl.col("denial") != 0

    def unless_denied(cents: pl.Expr) -> pl.Expr:
        return pl.when(denied).then(0).otherwise(cents)

    lines = frame.select(
        "checkpoint", "seq", "provider_npi", "claim_id", "line_number", "denial", "billed", "paid",
        co_45=unless_denied(pl.col("billed") - pl.col("allowed")),
        pr_1=unless_denied(pl.col("deductible")),
        pr_2=unless_denied(pl.col("coinsurance")),
        pr_3=unless_denied(pl.col("copay")),
        denied_amount=pl.when(denied).then(pl.col("billed")).otherwise(0),
        denied_group=pl.when(~denied).then(pl.lit(""))
        .when(pl.col("denial").is_in(PATIENT_DENIALS)).then(pl.lit("PR")).otherwise(pl.lit("CO")),
    )  # fmt: skip
    explained = pl.sum_horizontal("co_45", "pr_1", "pr_2", "pr_3", "denied_amount")
    wrong = lines.filter(pl.col("billed") - pl.col("paid") != explained)
    if wrong.height:
        raise OutOfBalance(f"{OUTPUT}: {wrong.height:,} lines whose adjustments are not billed less paid.")
    return lines


def commit(work: Work, found: Result) -> None:
    """The first provider may have a header already, from the checkpoint before: no claim is in both."""
    first, *_ = found.rows.headers.iter_rows(named=True)
    sums = {name: F(name) + first[name] for name in ("claims", "lines", "billed", "paid")}
    begun = Remittance.objects.filter(night=work.night, provider_npi=first["provider_npi"]).update(**sums)
    new = found.rows.headers[begun:]
    commit_rows(work, found)
    frames.write(new.with_columns(night_id=work.night.pk), Remittance)


def check(work: Work) -> Json:
    """The headers add up to what adjudication paid, in lines and in cents [S2-23]; then their 835s are written."""
    bulk.index_by_claim(AdjudicatedClaim, work.night)
    found = verify.file_output(work, OUTPUT, "paid")
    before = verify.control(work.night, "adjudicate")[ADJUDICATED]
    verify.same(ADJUDICATED, before, OUTPUT, found)
    verify.unchanged(work, "adjudicate", ADJUDICATED)
    verify.equal(OUTPUT, "cents paid", before["cents"], found["cents"])
    sums = Remittance.objects.filter(night=work.night).aggregate(lines=Sum("lines"), paid=Sum("paid"))
    verify.equal("remittance headers", "lines", before["count"], sums["lines"] or 0)
    verify.equal("remittance headers", "cents paid", before["cents"], sums["paid"] or 0)
    return {OUTPUT: found, **documents.write_documents(work)}


def reset(part: StepPart) -> None:
    night = night_of(part)
    files.forget(night, OUTPUT, part.partition)
    documents.void(night)
    Remittance.objects.filter(night=night).delete()
