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
from typing import Any

import structlog
from django.conf import settings
from django.db import connections, transaction

from backoffice.runs.models import StepPart
from backoffice.runs.parts import FenceLost
from claims.models import AccumulatorFence, BeforeImage, Restoration
from claims.pipeline.numbers import span
from claims.pipeline.rules import Met

log = structlog.get_logger(__name__)

Key = tuple[str, int]  # member, benefit year
BATCH = 5_000


def database() -> str:
    return str(settings.ACCUMULATORS_DATABASE)


def spelled(met: Met) -> str:
    """As it is stored: sorted, without what is zero."""
    fields = {"deductible_met": met.deductible, "out_of_pocket_met": met.out_of_pocket}
    fields.update((f"visits:{category}", visits) for category, visits in met.visits.items())
    return json.dumps({name: value for name, value in fields.items() if value}, sort_keys=True, separators=(",", ":"))


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
    with connection.cursor() as cursor:
        if kept and connection.vendor == "postgresql":
            cursor.execute(
                "CREATE TEMPORARY TABLE IF NOT EXISTS accumulators_new (region_id bigint, member_id text,"
                " benefit_year smallint, fields text) ON COMMIT DELETE ROWS"
            )
            with cursor.copy("COPY accumulators_new FROM STDIN") as copy:
                for place, member, year, fields in kept:
                    copy.write(f"{place}\t{_escaped(member)}\t{year}\t{_escaped(fields)}\n")
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
        fences = AccumulatorFence.objects.using(alias)
        fences.bulk_create([AccumulatorFence(part=part.pk, fence=part.fence)], ignore_conflicts=True)
        if not fences.filter(part=part.pk, fence__lte=part.fence).update(fence=part.fence):
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


def forget(night: int, partition: int, *, checkpoint: int) -> None:
    """Delete the images above the checkpoint, which have been put back."""
    _images(night, partition, checkpoint).delete()


def _images(night: int, partition: int, checkpoint: int) -> Any:
    begin, end = span(night, partition)
    return BeforeImage.objects.filter(id__gte=begin, id__lt=end, checkpoint_number__gt=checkpoint)


def take_fence(part: StepPart) -> None:
    """From here on no older worker of the part writes accumulators."""
    with fenced(part):
        pass
