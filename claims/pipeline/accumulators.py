"""The accumulators, which may live in a database of their own, and the before images that undo what a crash left there.

The order is always the same, one code path for one database or two: before images are committed, then the accumulators
in a transaction of theirs, then the work with its checkpoint. A restart finds images above its last checkpoint and puts
back, in strict reverse sequence, what stood before them [S2-16] [S2-17] [S2-18] [X-10].
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import Any

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import QuerySet

from backoffice.runs.models import StepPart
from backoffice.runs.parts import FenceLost
from claims.models import AccumulatorFence, BeforeImage, Night, Restoration
from claims.pipeline import bulk, frames
from claims.pipeline.numbers import span
from claims.pipeline.rules import Met

log = structlog.get_logger(__name__)

Key = tuple[str, int]  # member, benefit year
BATCH = 5_000


def database() -> str:
    return str(settings.ACCUMULATORS_DATABASE)


def spelled(met: Met) -> str:
    """As it is stored: JSON, sorted, without what is zero. Written by hand, since a night spells a million of them."""
    fields = [f"{_quoted(f'visits:{category}')}:{visits}" for category, visits in sorted(met.visits.items()) if visits]
    if met.out_of_pocket:
        fields.insert(0, f'"out_of_pocket_met":{met.out_of_pocket}')
    if met.deductible:
        fields.insert(0, f'"deductible_met":{met.deductible}')
    return f"{{{','.join(fields)}}}"


_quoted = cache(json.dumps)


def read(text: str) -> Met:
    met = Met()
    for name, value in json.loads(text).items():
        if name == "deductible_met":
            met.deductible = value
        elif name == "out_of_pocket_met":
            met.out_of_pocket = value
        else:
            met.visits[name.removeprefix("visits:")] = value
    return met


def stored(region: int, members: Iterable[str]) -> dict[Key, str]:
    """What stands now of these members, all years."""
    wanted = sorted(set(members))
    if connections[database()].vendor == "postgresql":
        # Not `= ANY`: the planner would look at each of them.
        return _standing(region, "member_id IN (SELECT unnest(%s::text[]))", [wanted])
    return _standing(region, "member_id IN (SELECT value FROM json_each(%s))", [json.dumps(wanted)])


def stored_in_a_row(region: int, members: Sequence[str], *, partitions: int) -> dict[Key, str]:
    """The same of members that follow one another, byte by byte, either way: between those of a partition that is
    alone lie nobody else's, and to read them from one end to the other is much the quickest."""
    if partitions > 1:
        return stored(region, members)
    return _standing(region, "member_id BETWEEN %s AND %s", sorted([members[0], members[-1]]))


def _standing(region: int, chosen: str, parameters: Sequence[Any]) -> dict[Key, str]:
    with connections[database()].cursor() as cursor:
        cursor.execute(
            f"SELECT member_id, benefit_year, fields FROM claims_accumulator WHERE region_id = %s AND {chosen}",  # noqa: S608
            [region, *parameters],
        )
        return {(member, year): fields for member, year, fields in cursor.fetchall()}


def write(region: int, values: Mapping[Key, str | None]) -> None:
    """Make the accumulators what `values` say; None takes a row away. Inside the caller's transaction."""
    connection = connections[database()]
    kept = [(region, member, year, fields) for (member, year), fields in values.items() if fields is not None]
    gone = [key for key, fields in values.items() if fields is None]
    upsert = "ON CONFLICT (region_id, member_id, benefit_year) DO UPDATE SET fields = excluded.fields"
    insert = "INSERT INTO claims_accumulator (region_id, member_id, benefit_year, fields)"
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if kept and connection.vendor == "postgresql":
            columns = ([*column] for column in list(zip(*kept, strict=True))[1:])
            cursor.execute(
                f"{insert} SELECT %s, * FROM unnest(%s::text[], %s::smallint[], %s::text[]) {upsert}",  # noqa: S608
                [region, *columns],
            )
        elif kept:
            frames.insert_all(cursor, insert, 4, iter(kept), upsert)
        delete = "DELETE FROM claims_accumulator WHERE region_id = %s AND (member_id, benefit_year)"
        if gone and connection.vendor == "postgresql":
            cursor.execute(
                f"{delete} IN (SELECT * FROM unnest(%s::text[], %s::smallint[]))",  # noqa: S608
                [region, *([*column] for column in zip(*gone, strict=True))],
            )
        elif gone:
            cursor.executemany(f"{delete} = (%s, %s)", [(region, *key) for key in gone])


@contextmanager
def fenced(part: StepPart) -> Iterator[None]:
    """A transaction in the accumulators' database, whose own fence row an older worker of the part cannot pass."""
    alias = database()
    with transaction.atomic(using=alias):
        held = AccumulatorFence.objects.using(alias).filter(part=part.pk, fence__lte=part.fence)
        if not held.update(fence=part.fence):
            raise FenceLost
        yield


def restore(part: StepPart, night: int, region: int, *, checkpoint: int) -> int:
    """Put back what stood before the first image above the checkpoint, the part's last one or 0 for all, wherever it
    does not stand, and say how many images spoke of it. The images stay, for the caller to delete once this is
    committed: to restore twice is to restore once. Images of checkpoints that have not changed anything yet, being
    written ahead, put nothing back. Memory does not grow with the night."""
    began = time.monotonic()
    count = years = 0
    partitions = part.run.parameters["partitions"]
    with fenced(part):
        for earliest in _backwards(_images(part, night, checkpoint)):
            lost = _not_standing(region, {key: before for key, (before, _) in earliest.items()}, partitions)
            write(region, lost)
            count += sum(earliest[key][1] for key in lost)
            years += len(lost)
    if not years:
        return 0
    log.info("accumulators_restored", checkpoint=checkpoint, images=count)
    Restoration.objects.create(
        night_id=night, partition=part.partition, checkpoint=checkpoint, images=count, members=years,
        seconds=time.monotonic() - began,
    )  # fmt: skip
    return count


def _backwards(images: Any) -> Iterator[dict[Key, tuple[str | None, int]]]:
    """What stood before the earliest image of each member's year, and how many images it has: some members at a time,
    whose images lie together."""
    earliest: dict[Key, tuple[str | None, int]] = {}
    rows = images.order_by("-id").values_list("member_id", "benefit_year", "before")
    for member, year, before in rows.iterator(chunk_size=BATCH):
        if len(earliest) >= BATCH and next(reversed(earliest))[0] != member:
            yield earliest
            earliest = {}
        _, later = earliest.get((member, year), (None, 0))
        earliest[member, year] = (before, later + 1)  # overrides a later one: strict reverse sequence
    yield earliest


def _not_standing(region: int, wanted: Mapping[Key, str | None], partitions: int) -> dict[Key, str | None]:
    """What of this, in the order of members, does not stand."""
    lost: dict[Key, str | None] = {}
    keys = iter(wanted)
    while some := list(islice(keys, BATCH)):
        standing = stored_in_a_row(region, [member for member, _ in some], partitions=partitions)
        lost |= {key: wanted[key] for key in some if standing.get(key) != wanted[key]}
    return lost


def compared(night: Night, region: int) -> tuple[int, int]:
    """How many members' years the night has touched, and how many do not stand as their last image left them.

    A member's images lie together, by year, and their numbers have no gap, so that the last is the one that no next
    one follows, which has something before it: two joins, which PostgreSQL can share out."""
    if database() != DEFAULT_DB_ALIAS:
        return _compared_across(night, region)
    bulk.analyze("claims_beforeimage", "claims_accumulator")
    begin, end = span(night.pk)
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) - count(next.id),"
            " count(CASE WHEN next.id IS NULL AND coalesce(standing.fields, '') <> image.after THEN 1 END)"
            " FROM claims_beforeimage AS image LEFT JOIN claims_beforeimage AS next ON next.id = image.id + 1"
            " AND next.member_id = image.member_id AND next.benefit_year = image.benefit_year"
            " AND next.before IS NOT NULL"
            " LEFT JOIN claims_accumulator AS standing ON standing.region_id = %s"
            " AND standing.member_id = image.member_id AND standing.benefit_year = image.benefit_year"
            " WHERE image.id >= %s AND image.id < %s",
            [region, begin, end],
        )
        years, differing = cursor.fetchone()
    return years, differing


def _compared_across(night: Night, region: int) -> tuple[int, int]:
    """The same between two databases, some members at a time: their images lie together."""
    images = images_of(night).order_by("id")
    years = differing = 0
    last: dict[Key, str] = {}
    for member, year, after in images.values_list("member_id", "benefit_year", "after").iterator(chunk_size=BATCH):
        if len(last) >= BATCH and next(reversed(last))[0] != member:
            years, differing = years + len(last), differing + len(_not_standing(region, last, night.partitions))
            last = {}
        last[member, year] = after
    return years + len(last), differing + len(_not_standing(region, last, night.partitions))


def images_of(night: Night) -> QuerySet[BeforeImage]:
    """What stood before each change of the night's."""
    begin, end = span(night.pk)
    return BeforeImage.objects.filter(id__gte=begin, id__lt=end)


def forget(part: StepPart, night: int, *, checkpoint: int) -> None:
    """Delete the images above the checkpoint, which have been put back."""
    _images(part, night, checkpoint).delete()


def _images(part: StepPart, night: int, checkpoint: int) -> Any:
    """Those above the part's last checkpoint, which says how many there are up to it; above 0 all."""
    begin, end = span(night, part.partition)
    upto = int((part.checkpoint or {}).get("images", 0)) if checkpoint else 0
    return BeforeImage.objects.filter(id__gt=begin + upto, id__lt=end)


def take_fence(part: StepPart) -> None:
    """From here on no older worker of the part writes accumulators."""
    fences = AccumulatorFence.objects.using(database())
    fences.bulk_create([AccumulatorFence(part=part.pk, fence=part.fence)], ignore_conflicts=True)
    with fenced(part):
        pass
