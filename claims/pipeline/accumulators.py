"""The accumulators, which may live in a database of their own, and the before images that undo what a crash left there.

The order is always the same, one code path for one database or two: before images are committed, then the accumulators
in a transaction of theirs, then the work with its checkpoint. A restart finds images above its last checkpoint and puts
back, in strict reverse sequence, what stood before them [S2-16] [S2-17] [S2-18] [X-10].
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from backoffice.runs.models import StepPart
from backoffice.runs.parts import FenceLost
from claims.models import AccumulatorFence, BeforeImage, Night, Restoration
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
    connection = connections[database()]
    wanted = sorted(set(members))
    chosen, value = (
        ("member_id = ANY(%s)", wanted)
        if connection.vendor == "postgresql"
        else ("member_id IN (SELECT value FROM json_each(%s))", json.dumps(wanted))
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT member_id, benefit_year, fields FROM claims_accumulator WHERE region_id = %s AND {chosen}",  # noqa: S608
            [region, value],
        )
        return {(member, year): fields for member, year, fields in cursor.fetchall()}


def write(region: int, values: Mapping[Key, str | None]) -> None:
    """Make the accumulators what `values` say; None takes a row away. Inside the caller's transaction."""
    connection = connections[database()]
    kept = [(region, member, year, fields) for (member, year), fields in values.items() if fields is not None]
    gone = [(region, member, year) for (member, year), fields in values.items() if fields is None]
    upsert = "ON CONFLICT (region_id, member_id, benefit_year) DO UPDATE SET fields = excluded.fields"
    insert = "INSERT INTO claims_accumulator (region_id, member_id, benefit_year, fields)"
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if kept and connection.vendor == "postgresql":
            cursor.execute(
                "CREATE TEMPORARY TABLE IF NOT EXISTS accumulators_new (region_id bigint, member_id text,"
                " benefit_year smallint, fields text) ON COMMIT DELETE ROWS"
            )
            with cursor.copy("COPY accumulators_new FROM STDIN") as copy:
                copy.write(
                    "".join(
                        f"{place}\t{_escaped(member)}\t{year}\t{_escaped(fields)}\n"
                        for place, member, year, fields in kept
                    )
                )
            cursor.execute(f"{insert} SELECT * FROM accumulators_new {upsert}")  # noqa: S608 (words of our own)
        elif kept:
            cursor.executemany(f"{insert} VALUES (%s, %s, %s, %s) {upsert}", kept)
        if gone:
            cursor.executemany(
                "DELETE FROM claims_accumulator WHERE region_id = %s AND member_id = %s AND benefit_year = %s", gone
            )


def _escaped(text: str) -> str:
    """As COPY reads it."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


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
    """Put back what stood before every image above the checkpoint, and say how many those were. The images stay, for
    the caller to delete once this is committed: to restore twice is to restore once."""
    began = time.monotonic()
    before: dict[Key, str | None] = {}
    images = _images(night, part.partition, checkpoint).order_by("-id")
    count = 0
    for member, year, fields in images.values_list("member_id", "benefit_year", "before").iterator(chunk_size=BATCH):
        before[member, year] = fields  # an earlier image overrides a later one: strict reverse sequence
        count += 1
    if count:
        with fenced(part):
            write(region, before)
        log.info("accumulators_restored", checkpoint=checkpoint, images=count)
        Restoration.objects.create(
            night_id=night, partition=part.partition, checkpoint=checkpoint, images=count, members=len(before),
            seconds=time.monotonic() - began,
        )  # fmt: skip
    return count


def compared(night: Night, region: int) -> tuple[int, int]:
    """How many members' years the night has touched, and how many do not stand as their last image left them."""
    if database() != DEFAULT_DB_ALIAS:
        return _compared_across(night, region)
    begin, end = span(night.pk)
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(CASE WHEN coalesce(standing.fields, '') <> image.after THEN 1 END)"
            " FROM claims_beforeimage AS image LEFT JOIN claims_accumulator AS standing ON standing.region_id = %s"
            " AND standing.member_id = image.member_id AND standing.benefit_year = image.benefit_year"
            " WHERE image.id >= %s AND image.id < %s AND NOT EXISTS (SELECT 1 FROM claims_beforeimage AS later"
            " WHERE later.member_id = image.member_id AND later.benefit_year = image.benefit_year"
            " AND later.id > image.id AND later.id < %s)",
            [region, begin, end, end],
        )
        years, differing = cursor.fetchone()
    return years, differing


def _compared_across(night: Night, region: int) -> tuple[int, int]:
    """The same between two databases, some members at a time: their images lie together."""
    begin, end = span(night.pk)
    images = BeforeImage.objects.filter(id__gte=begin, id__lt=end).order_by("id")
    years = differing = 0
    last: dict[Key, str] = {}
    for member, year, after in images.values_list("member_id", "benefit_year", "after").iterator(chunk_size=BATCH):
        if len(last) >= BATCH and next(reversed(last))[0] != member:
            years, differing = years + len(last), differing + _differing(region, last)
            last = {}
        last[member, year] = after
    return years + len(last), differing + _differing(region, last)


def _differing(region: int, last: Mapping[Key, str]) -> int:
    standing = stored(region, {member for member, _ in last})
    return sum(standing.get(key) != after for key, after in last.items())


def forget(night: int, partition: int, *, checkpoint: int) -> None:
    """Delete the images above the checkpoint, which have been put back."""
    _images(night, partition, checkpoint).delete()


def _images(night: int, partition: int, checkpoint: int) -> Any:
    begin, end = span(night, partition)
    return BeforeImage.objects.filter(id__gte=begin, id__lt=end, checkpoint_number__gt=checkpoint)


def take_fence(part: StepPart) -> None:
    """From here on no older worker of the part writes accumulators."""
    fences = AccumulatorFence.objects.using(database())
    fences.bulk_create([AccumulatorFence(part=part.pk, fence=part.fence)], ignore_conflicts=True)
    with fenced(part):
        pass
