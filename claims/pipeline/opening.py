"""Accumulators with which a region begins: taken where none stand yet."""

import json
from collections.abc import Iterator
from decimal import InvalidOperation
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from backoffice.runs.faults import Misuse
from claims.models import Night
from claims.pipeline import accumulators
from claims.pipeline.accumulators import Key
from claims.pipeline.delivered import FolderRefused, Problems, rows
from claims.pipeline.drafts import BLOCK, append, note_twice
from claims.pipeline.values import count, money, text, year
from regions.models import Region

ACCUMULATORS = "accumulators.csv"
ACCUMULATOR_COLUMNS = ("member_id", "benefit_year", "field_name", "value")
KEY = ACCUMULATOR_COLUMNS[:3]
TYPES = dict(zip(ACCUMULATOR_COLUMNS, ("text", "integer", "text", "bigint"), strict=True))
AT_ONCE = 50_000


def read_opening(path: Path, draft: str, problems: Problems) -> int:
    """The file into the draft (of TYPES), amounts in cents, and how many rows it has."""
    total = append(draft, ("line", *ACCUMULATOR_COLUMNS), _read(path, problems))
    note_twice(draft, path.name, KEY, problems)
    return total


def _read(path: Path, problems: Problems) -> Iterator[tuple[Any, ...]]:
    for line, (member, of_year, name, value) in rows(path, ACCUMULATOR_COLUMNS, problems):
        try:
            yield line, text(member), year(of_year), name, _whole(name, value)
        except (ValueError, InvalidOperation) as error:
            what = f"value or key {error}" if str(error).startswith("is ") else "cannot be read"
            problems.add(f"{path.name} line {line}", what)


def _whole(name: str, value: str) -> int:
    """Cents, or visits."""
    if name in ("deductible_met", "out_of_pocket_met"):
        return int(money(value) * 100)
    if name.startswith("visits:") and len(name) > len("visits:"):
        return count(value)
    raise ValueError("is no deductible_met, out_of_pocket_met or visits:CATEGORY")


def refuse_under_way(region: Region) -> None:
    """Misuse where a night has written before images and is not complete: its restart would put back what stood before
    them, and take what is loaded now for its own."""
    for night in Night.objects.filter(region=region):
        if accumulators.images_of(night).exists() and not night.complete:
            raise Misuse(
                f"The night of {night.run_date} has changed accumulators of {region.name} and is not complete."
                f" Complete it, then load {ACCUMULATORS}."
            )


def open_accumulators(draft: str, region: Region) -> None:
    """Opening values that do not stand yet. A member's year that does must stand as the file has it, since the nights
    keep it now; FolderRefused otherwise, with nothing changed."""
    differing = 0
    with transaction.atomic(using=accumulators.database()):
        years = _years(draft)
        while some := dict(islice(years, AT_ONCE)):
            standing = accumulators.stored(region.pk, {member for member, _ in some})
            differing += sum(key in standing and standing[key] != value for key, value in some.items())
            accumulators.write(region.pk, {key: value for key, value in some.items() if key not in standing})
        if differing:
            what = f"{differing:,} members' years stand otherwise already, kept by the nights: leave it out"
            raise FolderRefused([f"{ACCUMULATORS}: {what}"])


def _years(draft: str) -> Iterator[tuple[Key, str]]:
    """Each member's year as it is stored."""
    for key, values in groupby(_drafted(draft), itemgetter(0, 1)):
        fields = {name: value for _, _, name, value in values}
        yield key, accumulators.spelled(accumulators.read(json.dumps(fields)))


def _drafted(draft: str) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(ACCUMULATOR_COLUMNS)} FROM {draft} ORDER BY 1, 2")  # noqa: S608
        while block := cursor.fetchmany(BLOCK):
            yield from block
