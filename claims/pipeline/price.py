"""Step 4, PNCPRICE: what the provider's contract allows for each line, half up to the cent [S2-04]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backoffice.runs.faults import ConfigError
from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.models import StepPart
from claims.models import PricedClaim
from claims.pipeline import bulk, editions, files, frames, verify
from claims.pipeline.ahead import ahead
from claims.pipeline.cut import checkpoints, split
from claims.pipeline.enrich import of_files
from claims.pipeline.night import Figures, Rows, Work, counted_each, merged, night_of, opened, reading_each

if TYPE_CHECKING:
    import polars as pl

OUTPUT, AUDIT = "priced", "audit"
METHODS = ("NONE", "FEE_SCHEDULE", "PERCENT_OF_CHARGE", "BILLED")
NONE, FEE_SCHEDULE, PERCENT_OF_CHARGE, BILLED = range(4)
MOST_CENTS = 2**63 - 1
COLUMNS = (
    "seq", "claim_id", "line_number", "member_id", "provider_npi", "service_date", "plan_id", "category", "denial",
    "method", "billed", "allowed",
)  # fmt: skip
AUDITED = (
    "seq", "claim_id", "line_number", "contract_id", "fee_schedule_id", "fee", "units", "before_cap", "method",
    "billed", "allowed",
)  # fmt: skip


@contextmanager
def open_step(part: StepPart) -> Iterator[Work]:
    with opened(part, AUDIT) as work:
        bulk.begin_night(PricedClaim, work.night)
        tables = editions.read(work, "providers", "contracts", "fees")
        work.references = {
            "terms": tables["providers"]
            .select("provider_npi", "contract_id")
            .join(tables["contracts"], on="contract_id", how="left"),
            "fees": tables["fees"],
        }
        yield work


def chunks(work: Work, checkpoint: Json | None) -> Iterator[Chunk]:
    return ahead(of_files(work, "enriched", _computed))


def prepare(work: Work, chunk: Chunk) -> Result:
    priced, audit, totals = chunk.data
    return Result(totals=totals, rows=Rows(coming=[work.send(audit, AUDIT)], tables=[priced]))


def _computed(work: Work, block: pl.DataFrame) -> Iterable[tuple[frames.Rows, pl.DataFrame, Figures]]:
    count = checkpoints(block)
    detailed = price(block, **work.references)
    priced, audit = detailed.select("checkpoint", *COLUMNS), detailed.select("checkpoint", *AUDITED)
    totals = merged(
        count, reading_each(block, "billed"), counted_each(priced, OUTPUT, "allowed"),
        counted_each(audit, AUDIT, "allowed"),
    )  # fmt: skip
    return zip(frames.rows_each(priced, PricedClaim, count), split(audit, count), totals, strict=True)


def price(lines: pl.DataFrame, terms: pl.DataFrame, fees: pl.DataFrame) -> pl.DataFrame:
    """The lines with method and allowed, in cents, and what they came from; ConfigError without terms."""
    import polars as pl

    known = lines.join(terms, on="provider_npi", how="left", maintain_order="left").join(
        fees, on=("fee_schedule_id", "procedure_code"), how="left", maintain_order="left"
    )
    denied = pl.col("denial") != 0
    lost = known.filter(~denied, pl.col("multiplier_percent").is_null())
    if lost.height:
        contract, npi = lost["contract_id"][0], lost["provider_npi"][0]
        raise ConfigError(
            f"Contract {contract} of provider {npi} has no terms. Load its contract_terms, restart from price."
        )
    by_fee = _percent(pl.col("fee").cast(pl.Int128) * pl.col("units"), "multiplier_percent")
    by_charge = _percent(pl.col("billed").cast(pl.Int128), "percent_of_charge")
    return (
        known.with_columns(before_cap=pl.when(pl.col("fee").is_not_null()).then(by_fee).otherwise(by_charge))
        .with_columns(
            method=pl.when(denied)
            .then(NONE)
            .when(pl.col("before_cap") > pl.col("billed"))
            .then(BILLED)
            .when(pl.col("fee").is_not_null())
            .then(FEE_SCHEDULE)
            .otherwise(PERCENT_OF_CHARGE)
            .cast(pl.Int16),
            allowed=pl.when(denied).then(0).otherwise(pl.min_horizontal("before_cap", "billed")),
        )
    )  # fmt: skip


def _percent(cents: pl.Expr, column: str) -> pl.Expr:
    """Cents times hundredths of a percent, half up. A product that 64 bits do not hold would come out as another
    amount, below zero even; one that is beyond them is above whatever was billed."""
    import polars as pl

    return ((cents * pl.col(column) + 5_000) // 10_000).clip(upper_bound=MOST_CENTS).cast(pl.Int64)


def check(work: Work) -> Json:
    editions.agree(work)
    bulk.analyze(bulk.table_of(PricedClaim, work.night))
    found = verify.table(work, PricedClaim, OUTPUT, "allowed")
    verify.same("enriched", verify.control(work.night, "enrich")["enriched"], OUTPUT, found)
    verify.unchanged(work, "enrich", "enriched")
    return {OUTPUT: found, AUDIT: verify.file_output(work, AUDIT, "allowed")}


def reset(part: StepPart) -> None:
    night = night_of(part)
    files.forget(night, AUDIT, part.partition)
    bulk.forget(PricedClaim, night, part.partition)
