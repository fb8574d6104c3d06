"""Step 5, PNCADJ: every priced line against its member's accumulators, in the order of service [S2-05] [S2-42].

Moving rows is the cost, the arithmetic is one plain function per line (claims/pipeline/rules.py).
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
from claims.models import AdjudicatedClaim, BeforeImage, PricedClaim
from claims.pipeline import accumulators, bulk, price, references, verify
from claims.pipeline.accumulators import Key
from claims.pipeline.cut import cut
from claims.pipeline.night import Rows, Work, counted, night_of, opened, reading
from claims.pipeline.night import commit as commit_rows
from claims.pipeline.numbers import base, span
from claims.pipeline.rules import NOTHING, VISIT_LIMIT, Benefit, Met, Shares, adjudicate

if TYPE_CHECKING:
    import polars as pl

OUTPUT = "adjudicated"
COLUMNS = (
    "seq", "claim_id", "line_number", "member_id", "provider_npi", "service_date", "category", "denial", "method",
    "billed", "allowed", "copay", "deductible", "coinsurance", "paid",
)  # fmt: skip
AT_ONCE = 200_000
PAID, DENIED = "paid", "denied"


@dataclass(kw_only=True, slots=True)
class Adjudicated(Rows):
    """A checkpoint's rows, its before images, and what the accumulators come to."""

    images: pl.DataFrame | None = None
    after: dict[Key, str | None] | None = None


@contextmanager
def open_step(part: StepPart) -> Iterator[Work]:
    with opened(part) as work:
        bulk.begin_night(AdjudicatedClaim, work.night)
        work.references = {"benefits": benefits(work)}
        yield work


def benefits(work: Work) -> dict[tuple[str, str], Benefit]:
    """By plan and category; ConfigError when a plan that has benefits is not there itself."""
    rows = references.plan_benefits(work.region).join(references.plans(work.region), on="plan_id", how="left")
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
    begin, end = span(work.night.pk, work.partition)
    last_priced = PricedClaim.objects.filter(seq__gte=begin, seq__lt=end).aggregate(seq=Max("seq"))["seq"] or begin
    priced = bulk.rows(PricedClaim, work.night, price.COLUMNS, partition=work.partition, after=work.after)
    for frame in cut(priced, work.frequency):
        seq = int(frame["seq"][-1])
        key = [str(value) for value in frame.select("member_id", "service_date", "claim_id", "line_number").row(-1)]
        images = int((work.part.checkpoint or {}).get("images", 0))
        yield Chunk(
            data=(frame, images),
            # Filled in by prepare: how many images there are by then.
            checkpoint={"seq": seq, "key": key, "images": images},
            done=seq - begin, of=last_priced - begin, label=f"{seq - begin:,} of {last_priced - begin:,} lines",
        )  # fmt: skip


def prepare(work: Work, chunk: Chunk) -> Result:
    import polars as pl

    frame, images_before = chunk.data
    members = frame["member_id"].to_list()
    standing = accumulators.stored(work.region.pk, members)
    try:
        columns, touched = _adjudicated(frame, members, standing, work.references["benefits"])
    except KeyError as error:
        plan, category = error.args[0]
        raise OutOfBalance(
            f"{price.OUTPUT}: a line of plan {plan} has category {category}, for which it has no benefit."
            " Load the tables that the line was enriched with, or restart from enrich."
        ) from None
    adjudicated = frame.drop("plan_id").with_columns(**columns).select(COLUMNS)
    after: dict[Key, str | None] = {key: accumulators.spelled(one.met) for key, one in touched.items()}
    first_image = base(work.night.pk, work.partition) + images_before + 1
    images = pl.DataFrame(
        [
            (first_image + n, *key, work.number, standing.get(key), after[key], one.first, one.last)
            for n, (key, one) in enumerate(touched.items())
        ],
        schema={
            "id": pl.Int64, "member_id": pl.String, "benefit_year": pl.Int64, "checkpoint_number": pl.Int64,
            "before": pl.String, "after": pl.String, "first": pl.Int64, "last": pl.Int64,
        },
        orient="row",
    )  # fmt: skip
    chunk.checkpoint["images"] = images_before + images.height
    denied = int((adjudicated["denial"] != 0).sum())
    return Result(
        read=frame.height,
        outcomes=_outcomes(frame.height - denied, denied),
        totals={"in": frame.height, **reading(frame, "allowed"), **counted(adjudicated, OUTPUT, "paid")},
        rows=Adjudicated(frames=[(AdjudicatedClaim, adjudicated)], images=images, after=after),
        intents=[images] if images.height else (),
    )


def _outcomes(paid: int, denied: int) -> Counter[str]:
    return Counter({word: n for word, n in ((PAID, paid), (DENIED, denied)) if n})


@dataclass(slots=True)
class Touched:
    """A member's year within a checkpoint: what it has come to, and between which records."""

    met: Met
    first: int
    last: int


def _adjudicated(
    frame: pl.DataFrame, members: list[str], standing: dict[Key, str], of_plan: dict[tuple[str, str], Benefit]
) -> tuple[dict[str, Any], dict[Key, Touched]]:
    """The columns that adjudication adds, and the members' years that it changed, by their first change."""
    import polars as pl

    touched: dict[Key, Touched] = {}
    mets: dict[Key, Met] = {}
    denials: list[int] = []
    allowed_out: list[int] = []
    shares_out: list[Shares] = []
    columns = (
        frame["seq"], frame["service_date"].dt.year(), frame["plan_id"], frame["category"], frame["denial"],
        frame["allowed"],
    )  # fmt: skip
    rows = zip(members, *(column.to_list() for column in columns), strict=True)
    for member, seq, year, plan, category, denial, allowed in rows:
        if denial:
            denials.append(denial)
            allowed_out.append(0)
            shares_out.append(NOTHING)
            continue
        key = (member, year)
        met = mets.get(key)
        if met is None:
            met = mets[key] = accumulators.read(standing[key]) if key in standing else Met()
        shares = adjudicate(allowed, category, of_plan[plan, category], met)
        if shares is None:
            denials.append(VISIT_LIMIT)
            allowed_out.append(0)
            shares_out.append(NOTHING)
            continue
        denials.append(0)
        allowed_out.append(allowed)
        shares_out.append(shares)
        if key in touched:
            touched[key].last = seq
        else:
            touched[key] = Touched(met, seq, seq)
    owed = dict(zip(Shares._fields, zip(*shares_out, strict=True), strict=True))
    series = {name: pl.Series(values, dtype=pl.Int64) for name, values in [("allowed", allowed_out), *owed.items()]}
    paid = series["allowed"] - series["copay"] - series["deductible"] - series["coinsurance"]
    return {**series, "paid": paid, "denial": pl.Series(denials, dtype=pl.Int16)}, touched


def intend(work: Work, found: Result) -> None:
    """Write ahead what stands before, in a transaction of its own."""
    from claims.pipeline import frames

    frames.write(found.rows.images, BeforeImage)


def act(work: Work, found: Result) -> Result:
    """The accumulators, in their own database's transaction and behind its own fence."""
    with accumulators.fenced(work.part):
        accumulators.write(work.region.pk, found.rows.after)
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
    bulk.end_night(AdjudicatedClaim, work.night)

    def stored() -> Iterator[pl.DataFrame]:
        return bulk.by_claim(AdjudicatedClaim, work.night, COLUMNS)

    found = verify.check(work, OUTPUT, "paid", stored, ordered=True)
    verify.same("priced", verify.control(work.night, "price")["priced"], OUTPUT, found)
    verify.unchanged(work, "price", price.OUTPUT)
    return {OUTPUT: found, "accumulators": _accumulators_hold(work)}


def _accumulators_hold(work: Work) -> Json:
    """Every member's year stands as its last image of the night left it."""
    begin, end = span(work.night.pk)
    count = 0
    images = BeforeImage.objects.filter(id__gte=begin, id__lt=end).order_by("id")
    last: dict[Key, str] = {}
    for member, year, after in images.values_list("member_id", "benefit_year", "after").iterator(chunk_size=5_000):
        if len(last) >= AT_ONCE and next(reversed(last))[0] != member:  # images come member by member
            count += _compared(work, last)
            last = {}
        last[member, year] = after
    return {"count": count + _compared(work, last)}


def _compared(work: Work, last: dict[Key, str]) -> int:
    standing = accumulators.stored(work.region.pk, {member for member, _ in last})
    for key, after in last.items():
        if standing.get(key) != after:
            raise OutOfBalance("accumulators: a member's year does not stand as its last before image left it.")
    return len(last)


def reset(part: StepPart) -> None:
    """To the start of the run: accumulators first, then the rows."""
    night = night_of(part)
    accumulators.take_fence(part)
    accumulators.restore(part, night.pk, night.region_id, checkpoint=0)
    accumulators.forget(night.pk, part.partition, checkpoint=0)
    bulk.forget(AdjudicatedClaim, night, part.partition)
