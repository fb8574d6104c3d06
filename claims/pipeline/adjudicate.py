"""Step 5, PNCADJ: every priced line against its member's accumulators, in the order of service [S2-05] [S2-42].

Moving rows is the cost, the arithmetic is one plain function per line (claims/pipeline/rules.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from django.db.models import Max

from backoffice.runs.faults import ConfigError, OutOfBalance
from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.models import StepPart
from claims.models import AdjudicatedClaim, BeforeImage, PricedClaim
from claims.pipeline import accumulators, bulk, editions, price, verify
from claims.pipeline.accumulators import Key
from claims.pipeline.ahead import ahead
from claims.pipeline.cut import cut
from claims.pipeline.night import Rows, Work, counted, night_of, opened, reading
from claims.pipeline.night import commit as commit_rows
from claims.pipeline.numbers import base, span
from claims.pipeline.rules import VISIT_LIMIT, Benefit, Met, adjudicate

if TYPE_CHECKING:
    import polars as pl

OUTPUT = "adjudicated"
COLUMNS = (
    "seq", "claim_id", "line_number", "member_id", "provider_npi", "service_date", "category", "denial", "method",
    "billed", "allowed", "copay", "deductible", "coinsurance", "paid",
)  # fmt: skip
SHARES = ("copay", "deductible", "coinsurance")
NOT_PAID = (None, None, None)
PAID, DENIED = "paid", "denied"


@dataclass(kw_only=True, slots=True)
class Adjudicated(Rows):
    """A checkpoint's rows, its before images, and what the accumulators come to."""

    images: pl.DataFrame
    years: Sequence[Year]


class Year(NamedTuple):
    """A member's year within a checkpoint, as a before image keeps it: what it was and has come to, and between which
    of the member's records."""

    member_id: str
    benefit_year: int
    before: str | None
    after: str
    first: int
    last: int


@contextmanager
def open_step(part: StepPart) -> Iterator[Work]:
    with opened(part) as work:
        bulk.begin_night(AdjudicatedClaim, work.night)
        work.references = {"benefits": benefits(work)}
        yield work


def benefits(work: Work) -> dict[tuple[str, str], Benefit]:
    """By plan and category; ConfigError when a plan that has benefits is not there itself."""
    tables = editions.read(work, "plan_benefits", "plans")
    rows = tables["plan_benefits"].join(tables["plans"], on="plan_id", how="left")
    if lost := rows.filter(rows["deductible"].is_null())["plan_id"].to_list():
        raise ConfigError(f"Plan {min(lost)} has benefits but is not among the plans. Load its row and restart.")
    names = ("deductible", "out_of_pocket_max", "coinsurance_percent", "copay", "copay_only", "visit_limit")
    return {
        (plan, category): Benefit(*rest) for plan, category, *rest in rows.select("plan_id", "category", *names).rows()
    }


def settle(work: Work) -> Result:
    """Put the accumulators back to the last checkpoint. The images that did it are deleted with the commit."""
    accumulators.take_fence(work.part)
    accumulators.restore(work.part, work.night.pk, work.region.pk, checkpoint=work.part.checkpoint_number)
    return Result(rows=None)


def chunks(work: Work, checkpoint: Json | None) -> Iterator[Chunk]:
    return ahead(_computed(work, checkpoint or {}))


def _computed(work: Work, checkpoint: Json) -> Iterator[Chunk]:
    """Checkpoints whose lines are adjudicated, each with what it makes of the members' years. The next is computed
    while one is committed: of a member that it shares with this one, `carried` has what does not stand yet."""
    begin, end = span(work.night.pk, work.partition)
    of = (PricedClaim.objects.filter(seq__gte=begin, seq__lt=end).aggregate(seq=Max("seq"))["seq"] or begin) - begin
    images = int(checkpoint.get("images", 0))
    carried: dict[Key, str] = {}
    priced = bulk.rows(PricedClaim, work.night, price.COLUMNS, partition=work.partition, after=work.after)
    for frame in cut(priced, work.frequency):
        last, seq = frame["member_id"][-1], int(frame["seq"][-1])
        standing = accumulators.stored(work.region.pk, frame["member_id"].unique().to_list()) | carried
        adjudicated, years = adjudicated_lines(frame, standing, work.references["benefits"])
        touched = {(year.member_id, year.benefit_year): year.after for year in years}
        carried = {key: text for key, text in (carried | touched).items() if key[0] == last}
        key = [str(value) for value in frame.select("member_id", "service_date", "claim_id", "line_number").row(-1)]
        yield Chunk(
            data=(frame, adjudicated, years, images), checkpoint=work.at(seq, key=key, images=images + len(years)),
            done=seq - begin, of=of, label=f"{seq - begin:,} of {of:,} lines",
        )  # fmt: skip
        images += len(years)


def prepare(work: Work, chunk: Chunk) -> Result:
    frame, adjudicated, years, images_before = chunk.data
    images = _images(work, years, images_before)
    denied = int((adjudicated["denial"] != 0).sum())
    return Result(
        read=frame.height,
        outcomes=_outcomes(frame.height - denied, denied),
        totals={"in": frame.height, **reading(frame, "allowed"), **counted(adjudicated, OUTPUT, "paid")},
        rows=Adjudicated(frames=[(AdjudicatedClaim, adjudicated)], images=images, years=years),
        intents=[images] if images.height else (),
    )


def _outcomes(paid: int, denied: int) -> Counter[str]:
    return Counter({word: n for word, n in ((PAID, paid), (DENIED, denied)) if n})


def adjudicated_lines(
    frame: pl.DataFrame, standing: Mapping[Key, str], benefits: Mapping[tuple[str, str], Benefit]
) -> tuple[pl.DataFrame, list[Year]]:
    """The lines with what adjudication adds, in their order, which is by member and date; and what that makes of the
    members' years that it touches."""
    import polars as pl

    payable = frame.filter(pl.col("denial") == 0)
    years = payable.select(run=pl.struct("member_id", pl.col("service_date").dt.year()).rle()).unnest("run")
    lines = zip(*(payable[name].to_list() for name in ("seq", "plan_id", "category", "allowed")), strict=True)
    owed: tuple[list[int | None], ...] = ([], [], [])
    copays, deductibles, coinsurances = (column.append for column in owed)
    touched = []
    for length, member, year in years.unnest("value").iter_rows():
        before = standing.get((member, year))
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
            touched.append(Year(member, year, before, accumulators.spelled(met), first, last))
    return _with_shares(frame, payable["seq"], owed), touched


def _no_benefit(plan: str, category: str) -> NoReturn:
    raise OutOfBalance(
        f"{price.OUTPUT}: a line of plan {plan} has category {category}, for which it has no benefit."
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
        .select(COLUMNS)
    )


def _images(work: Work, years: list[Year], before: int) -> pl.DataFrame:
    import polars as pl

    begin = base(work.night.pk, work.partition) + before + 1
    columns = zip(Year._fields, zip(*years, strict=True) if years else [()] * 6, strict=True)
    return pl.DataFrame(dict(columns), schema=bulk.schema_of(BeforeImage, Year._fields)).select(
        pl.int_range(begin, begin + pl.len(), dtype=pl.Int64).alias("id"),
        *Year._fields,
        pl.lit(work.number).alias("checkpoint_number"),
    )


def intend(work: Work, found: Result) -> None:
    """Write ahead what stands before, in a transaction of its own."""
    from claims.pipeline import frames

    frames.write(found.rows.images, BeforeImage)


def act(work: Work, found: Result) -> Result:
    """The accumulators, in their own database's transaction and behind its own fence."""
    with accumulators.fenced(work.part):
        accumulators.write(
            work.region.pk, {(year.member_id, year.benefit_year): year.after for year in found.rows.years}
        )
    found.intents = ()
    return found


def commit(work: Work, found: Result) -> None:
    if found.rows is None:
        # Settled: what the images above the last checkpoint held has been put back.
        accumulators.forget(work.night.pk, work.partition, checkpoint=work.part.checkpoint_number)
        return
    commit_rows(work, found)


def check(work: Work) -> Json:
    """adjudicated = priced, line by line; and the accumulators are what the last images say."""
    editions.agree(work)
    bulk.analyze(AdjudicatedClaim, work.night)
    found = verify.table(work, AdjudicatedClaim, OUTPUT, "paid")
    verify.same("priced", verify.control(work.night, "price")["priced"], OUTPUT, found)
    verify.unchanged(work, "price", price.OUTPUT)
    return {OUTPUT: found, "accumulators": {"count": _accumulators_hold(work)}}


def _accumulators_hold(work: Work) -> int:
    """How many members' years the night has touched; each stands as its last image left it, or OutOfBalance."""
    years, differing = accumulators.compared(work.night, work.region.pk)
    if differing:
        raise OutOfBalance(
            f"accumulators: {years:,} members' years expected as their last before images left them,"
            f" {years - differing:,} found, {-differing:+,}."
        )
    return years


def reset(part: StepPart) -> None:
    """To the start of the run: accumulators first, then the rows."""
    night = night_of(part)
    accumulators.take_fence(part)
    accumulators.restore(part, night.pk, night.region_id, checkpoint=0)
    accumulators.forget(night.pk, part.partition, checkpoint=0)
    bulk.forget(AdjudicatedClaim, night, part.partition)
