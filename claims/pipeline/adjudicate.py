"""Step 5, PNCADJ: every priced line against its member's accumulators, in the order of service [S2-05] [S2-42].

What is computed is in claims/pipeline/shares.py; here it is written down, in an order that a crash cannot hurt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Max

from backoffice.runs.faults import ConfigError, OutOfBalance
from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.models import StepPart
from claims.models import Accumulator, AdjudicatedClaim, BeforeImage, PricedClaim
from claims.pipeline import accumulators, bulk, editions, frames, price, verify
from claims.pipeline.accumulators import Key
from claims.pipeline.ahead import ahead
from claims.pipeline.cut import checkpoints, cut, split
from claims.pipeline.night import Rows, Work, counted_each, merged, night_of, of_lines, opened, reading_each
from claims.pipeline.night import commit as commit_rows
from claims.pipeline.numbers import base, span
from claims.pipeline.rules import Benefit
from claims.pipeline.shares import Year, adjudicated_lines

if TYPE_CHECKING:
    import polars as pl

OUTPUT = "adjudicated"
ORDER = ("member_id", "service_date", "claim_id", "line_number")
MARGIN = 1_000  # lines beyond the first checkpoint that are read with it: its last member's end is among them
PAID, DENIED = "paid", "denied"


@dataclass(kw_only=True, slots=True)
class Adjudicated(Rows):
    """A checkpoint's rows, and what the accumulators come to: `opened`, those that stood nowhere before, as rows of
    their table; `changed`, the others. `images`: those of its whole block, if it is the first of it that needs any."""

    images: frames.Rows | None
    opened: frames.Rows
    changed: dict[Key, str]


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


def _computed(work: Work, checkpoint: Json) -> Iterator[list[Chunk]]:
    """Blocks of checkpoints whose lines are adjudicated, each with its before images. A block is computed while the
    one before is committed: of a member that they share, `carried` has what does not stand yet."""
    part = (work.night.pk, work.partition)
    number = work.part.checkpoint_number
    begin, end = span(*part)
    of = (PricedClaim.objects.filter(seq__gte=begin, seq__lt=end).aggregate(seq=Max("seq"))["seq"] or begin) - begin
    images = int(checkpoint.get("images", 0))
    carried: dict[Key, str] = {}
    before = checkpoint.get("key")
    first = min(bulk.BLOCK, work.frequency + MARGIN)
    priced = bulk.rows(PricedClaim, work.night, price.COLUMNS, partition=work.partition, after=work.after, first=first)
    for block in cut(ahead([frame] for frame in priced), work.frequency):
        before = in_order(block, before)
        last, count = block["member_id"][-1], checkpoints(block)
        members = block["member_id"].unique(maintain_order=True).to_list()
        standing = accumulators.stored_in_a_row(work.region.pk, members, partitions=work.night.partitions) | carried
        adjudicated, years = adjudicated_lines(block, standing, work.references["benefits"])
        touched = {(year.member_id, year.benefit_year): year.after for year in years}
        carried = {key: text for key, text in (carried | touched).items() if key[0] == last}
        totals = merged(count, reading_each(block, "allowed"), counted_each(adjudicated, OUTPUT, "paid"))
        made = []
        rows = _rows(work, adjudicated, _images(years, base(*part) + images + 1, number + 1), count)
        for lines, found, figures in zip(split(adjudicated, count), rows, totals, strict=True):
            images, seq = images + found.opened.height + len(found.changed), int(lines["seq"][-1])
            key = [str(lines[name][-1]) for name in ORDER]
            made.append(of_lines((lines, found, figures), work.at(seq, key=key, images=images), seq - begin, of))
        number += count
        yield made


def in_order(block: pl.DataFrame, before: list[Any] | None) -> list[Any]:
    """The key of the last line, `before` being that of the line before the first: member, day of service, claim, line.
    OutOfBalance where a line does not come after the one before it: its shares would be another's [S2-27]."""
    import polars as pl

    keys = block.select(pl.col(ORDER[0]), pl.col(ORDER[1]).cast(pl.String), pl.col(ORDER[2]), pl.col(ORDER[3]))
    if before:
        first = pl.DataFrame([[str(value) for value in before]], schema=dict.fromkeys(ORDER, pl.String), orient="row")
        keys = pl.concat([first.cast(keys.schema), keys])
    later = pl.lit(value=False)
    for name in reversed(ORDER):
        later = (pl.col(name) > pl.col(name).shift()) | ((pl.col(name) == pl.col(name).shift()) & later)
    held = keys.select(later)[1:].to_series()
    if not held.all():
        at = int(held.arg_min() or 0) + (0 if before else 1)
        raise OutOfBalance(
            f"{price.OUTPUT}: record {block['seq'][at]} does not come after the one before it by member, day of"
            " service, claim and line. It changed after it was verified: restart from price."
        )
    return list(keys.row(-1))


def prepare(work: Work, chunk: Chunk) -> Result:
    lines, rows, totals = chunk.data
    denied = int((lines["denial"] != 0).sum())
    return Result(
        read=lines.height,
        outcomes=_outcomes(lines.height - denied, denied),
        totals=totals,
        rows=rows,
        intents=[rows] if rows.opened.height or rows.changed else (),
        intended=rows.images is None,
    )


def _outcomes(paid: int, denied: int) -> Counter[str]:
    return Counter({word: n for word, n in ((PAID, paid), (DENIED, denied)) if n})


def _images(years: list[Year], begin: int, number: int) -> pl.DataFrame:
    """The before images of a block, numbered from `begin`; `number`: of its first checkpoint."""
    import polars as pl

    counter, *names = Year._fields
    schema = {counter: pl.Int64, **bulk.schema_of(BeforeImage, names)}
    return pl.DataFrame(years, schema=schema, orient="row").select(
        pl.int_range(begin, begin + pl.len(), dtype=pl.Int64).alias("id"),
        pl.all(),
        checkpoint_number=pl.col("checkpoint") + number,
    )


def _rows(work: Work, lines: pl.DataFrame, images: pl.DataFrame, count: int) -> Iterator[Adjudicated]:
    """What each checkpoint of a block writes."""
    import polars as pl

    anew = pl.col("before").is_null()
    opened = images.filter(anew).select(
        "checkpoint", "member_id", "benefit_year", pl.lit(work.region.pk).alias("region_id"), fields="after"
    )
    changed = split(images.filter(~anew).select("checkpoint", "member_id", "benefit_year", "after"), count)
    ahead_of_all: frames.Rows | None
    (ahead_of_all,) = frames.rows_each(images.with_columns(checkpoint=pl.lit(0)), BeforeImage, 1)
    for table, new, others in zip(
        frames.rows_each(lines, AdjudicatedClaim, count),
        frames.rows_each(opened, Accumulator, count, using=accumulators.database()),
        changed,
        strict=True,
    ):
        values = {(member, year): after for member, year, after in others.iter_rows()}
        first = ahead_of_all if new.height or values else None
        yield Adjudicated(tables=[table], images=first, opened=new, changed=values)
        ahead_of_all = None if first else ahead_of_all


def intend(work: Work, found: Result) -> None:
    """Write ahead what stands before a whole block, in a transaction of its own."""
    frames.append(found.rows.images)


def act(work: Work, found: Result) -> Result:
    """The accumulators, in their own database's transaction and behind its own fence."""
    with accumulators.fenced(work.part):
        frames.append(found.rows.opened, using=accumulators.database())
        accumulators.write(work.region.pk, found.rows.changed)
    found.intents = ()
    return found


def commit(work: Work, found: Result) -> None:
    if found.rows is None:
        # Settled: what the images above the last checkpoint held has been put back.
        accumulators.forget(work.part, work.night.pk, checkpoint=work.part.checkpoint_number)
        return
    commit_rows(work, found)


def check(work: Work) -> Json:
    """adjudicated = priced, line by line; and the accumulators are what the last images say."""
    editions.agree(work)
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
    accumulators.forget(part, night.pk, checkpoint=0)
    bulk.forget(AdjudicatedClaim, night, part.partition)
