"""Claim lines into the staging table, as they were delivered, and the keys that must not come once more."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from zlib import crc32

from django.db import connection, models

from claims.edi.clean import is_echo
from claims.models import Night, RemittancePayer, StagedBatch, StagedLine
from claims.pipeline.delivered import MOST_PROBLEMS, Problems, rows
from claims.pipeline.drafts import append, draft, note_twice
from claims.pipeline.numbers import span
from claims.pipeline.once import ADJUDICATED, SHARED, meeting

LINES = "claim_lines.csv"
LINE_COLUMNS = (
    "claim_id", "line_number", "member_id", "provider_npi", "service_date", "received_date", "procedure_code", "units",
    "billed",
)  # fmt: skip
KEY = LINE_COLUMNS[:2]
# What an 835 gives back letter for letter, and its length there.
ECHOED = {"claim_id": 38, "member_id": 40, "provider_npi": 20, "procedure_code": 40}
TABLE = StagedLine._meta.db_table
_LENGTHS = {
    field.name: field.max_length or 0 for field in StagedLine._meta.fields if isinstance(field, models.CharField)
}
_SHORTEST = min(_LENGTHS.values())


def load_lines(path: Path, batch: StagedBatch, problems: Problems) -> int:
    """Copy the lines, and say how many they are; a claim id and a whole line number they must have, and each pair once,
    here and in other batches (refuse_keys). That is looked at where nothing else was wrong. Where the region writes an
    835 for these lines, what no 835 can give back is refused as well: the night would fail on it at its last step."""

    def note(draft: str) -> None:
        if problems.found:
            return
        if _has_twice(batch):
            note_twice(draft, path.name, KEY, problems)
        refuse_keys(batch, problems)

    answered = RemittancePayer.objects.filter(region=batch.region, for_all=True).exists()
    return lay_down(_read(path, problems, answered=answered), batch, ("line",), note)


def lay_down(
    lines: Iterator[tuple[Any, ...]],
    batch: StagedBatch,
    before: tuple[str, ...] = (),
    note: Callable[[str], None] = lambda draft: None,
) -> int:
    """Append the lines (LINE_COLUMNS and the hash of the member) in the order in which the first step reads them, and
    say how many they are. `before`: what stands before these in each; `note` is told the draft that they came from."""
    columns = (*LINE_COLUMNS, "member_hash")
    types = dict.fromkeys(columns, "text") | {"line_number": "integer", "member_hash": "bigint"}
    with draft("lines", types) as waiting, connection.cursor() as cursor:
        total = append(waiting, (*before, *columns), lines)
        names, binary = ", ".join(columns), ' COLLATE "C"' if connection.vendor == "postgresql" else ""
        order = ", ".join(f"{name}{binary}" for name in ("member_id", "service_date", "claim_id"))
        cursor.execute(
            f"INSERT INTO {TABLE} (batch_id, {names}) SELECT %s, {names} FROM {waiting}"  # noqa: S608
            f" ORDER BY {order}, line_number",
            [batch.pk],
        )
        if connection.vendor == "postgresql":
            cursor.execute(f"ANALYZE {TABLE}")  # else the planner would sort what lies in order
        note(waiting)
    return total


def _has_twice(batch: StagedBatch) -> bool:
    """By the index, which is cheaper than by the draft."""
    with connection.cursor() as cursor:
        cursor.execute(_TWICE, [batch.pk])
        return bool(cursor.fetchone())


def _read(path: Path, problems: Problems, *, answered: bool) -> Iterator[tuple[Any, ...]]:
    for line, row in rows(path, LINE_COLUMNS, problems):
        claim, number, member, *rest = row
        if not claim or len(claim) > 40:
            problems.add(f"{path.name} line {line}", "claim_id is empty or longer than 40 characters")
        elif not (number.isascii() and number.isdigit() and len(number) <= 10 and 0 < int(number) < 2**31):
            problems.add(f"{path.name} line {line}", "line_number is no whole number from 1")
        elif max(map(len, row)) > _SHORTEST and (long := _too_long(row)):
            problems.add(f"{path.name} line {line}", f"{long} is longer than {_LENGTHS[long]} characters")
        elif answered and (odd := _not_echoed(row)):
            problems.add(f"{path.name} line {line}", f"{odd} {_NO_835}")
        else:
            yield line, claim, int(number), member, *rest, crc32(member.encode())


def _too_long(row: tuple[str, ...]) -> str:
    """The first column whose value is longer than it may be."""
    values = zip(LINE_COLUMNS[2:], row[2:], strict=True)
    return next((name for name, value in values if len(value) > _LENGTHS[name]), "")


def _not_echoed(row: tuple[str, ...]) -> str:
    """The first column whose value an 835 cannot give back as it came."""
    values = zip(LINE_COLUMNS, row, strict=True)
    return next((name for name, value in values if value and name in ECHOED and not is_echo(value, ECHOED[name])), "")


def refuse_keys(batch: StagedBatch, problems: Problems) -> None:
    """Keys that wait already in another batch, belong to a night that can still be continued, or were adjudicated in
    one that is complete."""
    mine = StagedBatch.objects.filter(pk=batch.pk)
    for _, other in meeting(mine, StagedBatch.objects.filter(region=batch.region)):
        statement, parameters, what = SHARED, [batch.pk, other.pk], ""
        night = Night.objects.filter(region=batch.region, run_date=other.run_date or date.min).first()
        if other.run_date is None:
            rejects = f": a reject of {other.rejects_of}, staged again; discard that batch" if other.rejects_of else ""
            what = f"is staged already, in batch {other.pk}, for the next night{rejects}"
        elif night is None or not night.complete:
            what = f"belongs to the night of {other.run_date}, which is not complete"
        else:
            statement, parameters = ADJUDICATED, [*parameters, *span(night.pk)]
            what = f"was adjudicated on {other.run_date} already"
        for claim, number in _first(problems, statement, parameters):
            problems.add(LINES, f"claim {claim} line {number} {what}")


def _first(problems: Problems, statement: str, parameters: list[Any]) -> list[list[Any]]:
    """The first rows by key; how many more there are is noted."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) OVER (), found.* FROM ({statement}) AS found"  # noqa: S608 (words of our own)
            f" ORDER BY claim_id, line_number LIMIT {MOST_PROBLEMS}",
            parameters,
        )
        found = cursor.fetchall()
    problems.more += found[0][0] - len(found) if found else 0
    return [row for _, *row in found]


_NO_835 = "cannot be given back in an 835, which this region writes for every claim (for_all in remittance_payers.csv)"
_TWICE = (
    f"SELECT claim_id, line_number FROM {TABLE} WHERE batch_id = %s"  # noqa: S608
    " GROUP BY claim_id, line_number HAVING count(*) > 1 LIMIT 1"
)
