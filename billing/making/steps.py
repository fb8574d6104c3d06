"""The two steps of claim_services: claims of the services that have none yet, then the verdict on every draft."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from backoffice.runs.faults import OutOfBalance, RunEnds
from backoffice.runs.job import Chunk, Json, Result, Total
from backoffice.runs.models import Run, StepPart
from billing.making.judging import Judged, judged, keep_judged, waiting
from billing.making.keep import Made, keep, made_of
from billing.making.sources import ORIGINS, Source, page, rows_of, unclaimed
from billing.models import Claim, Unclaimable
from clinic.money import dollars, in_cents
from regions.models import Region
from regions.of_run import region_of

CLAIMED, UNCLAIMABLE, VALIDATED, REFUSED = "claimed", "unclaimable", "validated", "refused"
OUTCOMES = (CLAIMED, UNCLAIMABLE, VALIDATED, REFUSED)
ZERO = Decimal("0.00")


class Meanwhile(RunEnds):
    """Somebody has changed what the chunk was read from; nothing of the chunk was counted."""

    reason = "changed_meanwhile"


@dataclass(frozen=True, kw_only=True)
class Making:
    """Opened for one part."""

    region: Region
    run: Run
    size: int


@contextmanager
def open_making(part: StepPart) -> Iterator[Making]:
    yield Making(region=region_of(part), run=part.run, size=int(part.run.parameters["chunk"]))


def chunks_of_sources(making: Making, checkpoint: Json | None) -> Iterator[Chunk]:
    """Checkpoint: {"origin": 0 or 1, "after": id}. What is unclaimable is read by every run."""
    at, after, done = (checkpoint["origin"], checkpoint["after"], checkpoint["done"]) if checkpoint else (0, 0, 0)
    left = {number: unclaimed(making.region, ORIGINS[number]) for number in range(at, len(ORIGINS))}
    of = done + sum(rows.filter(pk__gt=after if number == at else 0).count() for number, rows in left.items())
    for number in left:
        after = after if number == at else 0
        while some := page(making.region, ORIGINS[number], after, making.size):
            after, done = some[-1].pk, done + len(some)
            mark = {"origin": number, "after": after, "done": done}
            yield Chunk(data=some, checkpoint=mark, done=done, of=max(of, done))


def make(making: Making, chunk: Chunk) -> Result:
    """What comes of each source, by present data."""
    sources: Sequence[Source] = chunk.data
    made = made_of(making.region, sources)
    claimed = [one for one in made if one.drafts]
    drafts = [draft for one in claimed for draft in one.drafts]
    totals: dict[str, Total] = {
        "claims": len(drafts),
        "claim_lines": sum(len(draft.blocks) for draft in drafts),
        "value": sum((draft.claim.charge for draft in drafts), ZERO),
        "at_stake": sum((one.source.value for one in made if not one.drafts), ZERO),
        "services_value": sum((source.value for source in sources), ZERO),
    }
    lacks = Counter(what for one in made for what in {what for what, _ in one.missing})
    totals |= {f"lacks_{what.replace('.', '_')}": number for what, number in lacks.items()}
    outcomes = Counter({CLAIMED: len(claimed), UNCLAIMABLE: len(made) - len(claimed)})
    return Result(outcomes=outcomes, totals=totals, rows=made, read=len(made))


def keep_made(making: Making, result: Result) -> None:
    made: Sequence[Made] = result.rows
    if keep(making.region, made, making.run) != len(made):
        raise Meanwhile("Services were claimed or loaded anew while this run read them. Restart it.")


def check_made(making: Making) -> Json:
    """Σ claims + Σ unclaimable = Σ services, of the run; of the region, Σ claims = Σ services that have one."""
    parts = StepPart.objects.filter(step__chain=making.run.chain, step__name="make")
    totals = [part.totals for part in parts]
    value, at_stake, services = (
        sum((Decimal(one.get(name, 0)) for one in totals), ZERO) for name in ("value", "at_stake", "services_value")
    )
    if value + at_stake != services:
        raise OutOfBalance(f"Services of {services}: claims come to {value}, unclaimable are {at_stake}.")
    made = Claim.objects.filter(region=making.region, version=1)
    for origin in ORIGINS:
        claims = made.exclude(**{origin: None})
        charged = _sum(claims, "charge")
        served = rows_of(making.region, origin).filter(pk__in=claims.values(origin))
        if charged != (worth := _sum(served, "value")):
            raise OutOfBalance(f"Claims come to {charged}, their services to {worth} ({origin}).")
    left = Unclaimable.objects.filter(region=making.region, closed_at=None)
    return {"claims": made.count(), "unclaimable": left.count(), "value": str(value), "at_stake": str(at_stake)}


def _sum(rows: QuerySet[Any], column: str) -> Decimal:
    return dollars(rows.order_by().aggregate(cents=Sum(in_cents(column)))["cents"])


def chunks_of_drafts(making: Making, checkpoint: Json | None) -> Iterator[Chunk]:
    """Checkpoint: {"after": id}. A draft that was refused is judged by every run."""
    after, done = (checkpoint["after"], checkpoint["done"]) if checkpoint else (0, 0)
    of = done + waiting(making.region).filter(pk__gt=after).count()
    while some := list(waiting(making.region).filter(pk__gt=after)[: making.size]):
        after, done = some[-1].pk, done + len(some)
        yield Chunk(data=some, checkpoint={"after": after, "done": done}, done=done, of=max(of, done))


def judge(making: Making, chunk: Chunk) -> Result:
    found = judged(making.region, chunk.data, making.run)
    refused = [one for one in found if one.problems]
    codes = Counter(code for one in refused for code in {problem.code for problem in one.problems})
    totals: dict[str, Total] = {
        "refused_value": sum((one.row.charge for one in refused), ZERO),
        **{f"refused_{code}": number for code, number in codes.items()},
    }
    outcomes = Counter({VALIDATED: len(found) - len(refused), REFUSED: len(refused)})
    return Result(outcomes=outcomes, totals=totals, rows=found, read=len(found))


def keep_verdicts(making: Making, result: Result) -> None:
    found: Sequence[Judged] = result.rows
    if keep_judged(found) != len(found):
        raise Meanwhile("Claims were changed while this run judged them. Restart it.")
