"""Step 6, PNCREMT: what each provider is told and paid, line by line, with its header; and the header of all [S2-06].

Per line billed - paid = CO-45 (billed - allowed) + PR-1 (deductible) + PR-2 (coinsurance) + PR-3 (copay), or the denial
of the whole billed amount (X12 835, CAS).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backoffice.runs.faults import OutOfBalance
from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.models import StepPart
from claims.models import AdjudicatedClaim, Remittance
from claims.pipeline import bulk, files, verify
from claims.pipeline.adjudicate import COLUMNS
from claims.pipeline.adjudicate import OUTPUT as ADJUDICATED
from claims.pipeline.cut import cut
from claims.pipeline.night import Rows, Work, counted, night_of, opened, reading, result

if TYPE_CHECKING:
    import polars as pl

LINES, OUTPUT = "remitted", "remittance"
PATIENT_DENIALS = (26, 27, 31, 96, 119)  # the member's to pay (PR); the others are the provider's (CO)
AT_ONCE = 1_000_000


@contextmanager
def open_step(part: StepPart) -> Iterator[Work]:
    with opened(part, LINES, OUTPUT) as work:
        yield work


def chunks(work: Work, checkpoint: Json | None) -> Iterator[Chunk]:
    of = verify.control(work.night, "adjudicate")[ADJUDICATED]["count"]
    done = work.part.totals.get(f"out.{LINES}", 0)
    buckets = max(1, -(-of // AT_ONCE))
    bucket = int((checkpoint or {}).get("bucket", 0))
    if not bucket:
        for frame in cut(bulk.rows(AdjudicatedClaim, work.night, COLUMNS, after=work.after), work.frequency):
            done += frame.height
            seq = int(frame["seq"][-1])
            yield Chunk(
                data=frame, checkpoint={"seq": seq}, done=done, of=of + 1, label=f"{done:,} of {of:,} lines",
            )  # fmt: skip
    for number in range(bucket, buckets):
        yield Chunk(
            data=(number, buckets), checkpoint={"seq": work.after, "bucket": number + 1}, done=of + 1, of=of + 1,
            label="headers by provider",
        )  # fmt: skip


def prepare(work: Work, chunk: Chunk) -> Result:
    if isinstance(chunk.data, tuple):
        return _headers(work, *chunk.data)
    lines = adjusted(chunk.data)
    totals = {**reading(chunk.data, "paid"), **counted(lines, LINES, "paid")}
    return result(chunk.data.height, totals, Rows(files=[work.save(lines, LINES)]))


def adjusted(frame: pl.DataFrame) -> pl.DataFrame:
    """The lines with their adjustments in cents; OutOfBalance when they do not explain billed - paid."""
    import polars as pl

    denied = pl.col("denial") != 0

    def unless_denied(cents: pl.Expr) -> pl.Expr:
        return pl.when(denied).then(0).otherwise(cents)

    lines = frame.select(
        "seq", "provider_npi", "claim_id", "line_number", "denial", "billed", "paid",
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
        raise OutOfBalance(f"{LINES}: {wrong.height:,} lines whose adjustments are not billed less paid.")
    return lines


def _headers(work: Work, bucket: int, buckets: int) -> Result:
    """The lines of some of the providers, sorted by provider, claim and line, and a header for each provider."""
    import polars as pl

    mine = [
        frame.filter(pl.col("provider_npi").hash() % buckets == bucket)
        for frame in files.records(work.night, LINES)
    ]  # fmt: skip
    lines = pl.concat(mine).sort("provider_npi", "claim_id", "line_number") if mine else None
    if lines is None or lines.is_empty():
        return result(0, {}, Rows())
    headers = lines.group_by("provider_npi", maintain_order=True).agg(
        claims=pl.col("claim_id").n_unique(), lines=pl.len(), billed=pl.col("billed").sum(), paid=pl.col("paid").sum()
    )
    numbered = lines.with_columns(seq=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    row = files.save(numbered, work.night, OUTPUT, work.partition, work.number, work.part.fence)
    row.first += bucket * (1 << 40)
    row.last += bucket * (1 << 40)
    headers = headers.with_columns(night_id=pl.lit(work.night.pk))
    return result(
        0, {"remittances": headers.height, **counted(numbered, OUTPUT, "paid")},
        Rows(files=[row], frames=[(Remittance, headers)]),
    )  # fmt: skip


def check(work: Work) -> Json:
    """The headers add up to what adjudication paid, in lines and in cents [S2-23]."""
    found = {
        LINES: verify.file_output(work, LINES, "paid"),
        OUTPUT: verify.file_output(work, OUTPUT, "paid"),
    }
    before = verify.control(work.night, "adjudicate")[ADJUDICATED]
    for name in (LINES, OUTPUT):
        verify.same(ADJUDICATED, before, name, found[name])
    verify.unchanged(work, "adjudicate", ADJUDICATED)
    for name in (LINES, OUTPUT):
        verify.equal(name, "cents paid", before["cents"], found[name]["cents"])
    rows = Remittance.objects.filter(night=work.night)
    headers = [(row.lines, row.paid) for row in rows.only("lines", "paid").iterator()]
    verify.equal("remittance headers", "lines", before["count"], sum(lines for lines, _ in headers))
    verify.equal("remittance headers", "cents paid", before["cents"], sum(paid for _, paid in headers))
    return found


def reset(part: StepPart) -> None:
    night = night_of(part)
    for output in (LINES, OUTPUT):
        files.forget(night, output, part.partition)
    Remittance.objects.filter(night=night).delete()
