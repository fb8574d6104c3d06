"""Rows into the database as they are read, and temporary tables in which a file waits until all of it is found good:
memory does not grow with the file, and the database finds the keys that occur twice."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import connection

from claims.pipeline.delivered import MOST_PROBLEMS, Problems

BLOCK = 20_000
Rows = Iterable[Sequence[Any]]


def append(table: str, columns: Sequence[str], rows: Rows) -> int:
    """Append the rows, inside the caller's transaction, and say how many they are. Values are as the driver takes
    them."""
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    waiting, total = iter(rows), 0
    while block := list(islice(waiting, BLOCK)):
        total += len(block)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                    for row in block:
                        copy.write_row(row)
            else:
                cursor.cursor.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", block)  # noqa: S608
    return total


@contextmanager
def draft(name: str, types: Mapping[str, str | None]) -> Iterator[str]:
    """A temporary table of the file's columns and their types, after the number of the line that a row came from."""
    table = f"draft_{name}"
    columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {table} (line bigint, {columns})")
    yield table
    # Not where it fails: the caller's transaction takes the table with it.
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {table}")


def note_twice(draft: str, file: str, key: Sequence[str], problems: Problems) -> None:
    """Keys that occur more than once, by line. Whose member it is stays unsaid."""
    keys = ", ".join(key)
    said = [name for name in key if name != "member_id"]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) OVER (), line, first, {', '.join(said)} FROM ("  # noqa: S608 (names of our own)
            f" SELECT line, min(line) OVER (PARTITION BY {keys}) AS first, {keys} FROM {draft}"
            f") AS numbered WHERE line > first ORDER BY line LIMIT {MOST_PROBLEMS}"
        )
        found = cursor.fetchall()
    twice = (
        (f"{file} line {line}", f"has the key of line {first}: {', '.join(map(str, values))}")
        for _, line, first, *values in found
    )
    problems.add_first(twice, found[0][0] if found else 0)
