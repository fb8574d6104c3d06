"""What step 5 computes: each line's shares, and what they make of its member's year. Nothing here writes or reads.

Moving rows is the cost, the arithmetic is one plain function per line (claims/pipeline/rules.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from backoffice.runs.faults import OutOfBalance
from claims.pipeline import accumulators
from claims.pipeline.accumulators import Key
from claims.pipeline.price import OUTPUT as PRICED
from claims.pipeline.rules import VISIT_LIMIT, Benefit, Met, adjudicate

if TYPE_CHECKING:
    import polars as pl

COLUMNS = (
    "seq", "claim_id", "line_number", "member_id", "provider_npi", "service_date", "category", "denial", "method",
    "billed", "allowed", "copay", "deductible", "coinsurance", "paid",
)  # fmt: skip
SHARES = ("copay", "deductible", "coinsurance")
NOT_PAID = (None, None, None)


class Year(NamedTuple):
    """A member's year within a checkpoint of a block, as a before image keeps it: what it was and has come to, and
    between which of the member's records."""

    checkpoint: int
    member_id: str
    benefit_year: int
    before: str | None
    after: str
    first: int
    last: int


def adjudicated_lines(
    frame: pl.DataFrame, standing: Mapping[Key, str], benefits: Mapping[tuple[str, str], Benefit]
) -> tuple[pl.DataFrame, list[Year]]:
    """The lines of a block with what adjudication adds, in their order, which is by member and date; and what each of
    its checkpoints makes of the members' years that it touches. `standing`: those years, as they are before it."""
    import polars as pl

    payable = frame.filter(pl.col("denial") == 0)
    year_of = pl.struct("checkpoint", "member_id", pl.col("service_date").dt.year())
    years = payable.select(run=year_of.rle()).unnest("run")
    come_to: dict[Key, str] = {}
    lines = zip(*(payable[name].to_list() for name in ("seq", "plan_id", "category", "allowed")), strict=True)
    owed: tuple[list[int | None], ...] = ([], [], [])
    copays, deductibles, coinsurances = (column.append for column in owed)
    touched = []
    for length, checkpoint, member, year in years.unnest("value").iter_rows():
        before = come_to.get((member, year)) or standing.get((member, year))
        met = Met() if before is None else accumulators.read(before)
        first = last = 0
        for seq, plan, category, allowed in islice(lines, length):
            benefit = benefits.get((plan, category)) or _no_benefit(plan, category)
            copay, deductible, coinsurance = adjudicate(allowed, category, benefit, met) or NOT_PAID
            copays(copay)
            deductibles(deductible)
            coinsurances(coinsurance)
            if copay is not None:
                first, last = first or seq, seq
        if last:
            come_to[member, year] = after = accumulators.spelled(met)
            touched.append(Year(checkpoint, member, year, before, after, first, last))
    return _with_shares(frame, payable["seq"], owed), touched


def _no_benefit(plan: str, category: str) -> NoReturn:
    raise OutOfBalance(
        f"{PRICED}: a line of plan {plan} has category {category}, for which it has no benefit."
        " Load the tables that the line was enriched with, or restart from enrich."
    )


def _with_shares(frame: pl.DataFrame, payable: pl.Series, owed: tuple[list[int | None], ...]) -> pl.DataFrame:
    import polars as pl

    shares = {name: pl.Series(column, dtype=pl.Int64) for name, column in zip(SHARES, owed, strict=True)}
    decided = pl.DataFrame({"seq": payable, **shares})
    paid = pl.col("copay").is_not_null()
    return (
        frame.join(decided, on="seq", how="left", maintain_order="left")
        .with_columns(
            denial=pl.when((pl.col("denial") == 0) & ~paid).then(VISIT_LIMIT).otherwise("denial").cast(pl.Int16),
            allowed=pl.when(paid).then("allowed").otherwise(0),
            **{name: pl.col(name).fill_null(0) for name in SHARES},
        )
        .with_columns(paid=pl.col("allowed") - pl.sum_horizontal(SHARES))
        .select("checkpoint", *COLUMNS)
    )
