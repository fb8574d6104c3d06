"""Frames into tables and out of them: psycopg's COPY on PostgreSQL, executemany and fetchmany on SQLite."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connections

if TYPE_CHECKING:
    import polars as pl
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Model

BLOCK = 50_000


def write(frame: pl.DataFrame, model: type[Model], *, using: str = "default") -> None:
    """Append the frame to the model's table, inside the caller's transaction. Column names are the table's."""
    if frame.is_empty():
        return
    connection = connections[using]
    table, columns = connection.ops.quote_name(model._meta.db_table), ", ".join(f'"{name}"' for name in frame.columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as copy:
                for block in frame.iter_slices(BLOCK):
                    copy.write(_csv(block))
            return
        marks = ", ".join("?" * len(frame.columns))
        rows = _storable(frame).iter_rows()
        # Django's cursor would look for its own marks in the statement for each row.
        cursor.cursor.connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608


def _csv(frame: pl.DataFrame) -> bytes:
    """As PostgreSQL reads it: an empty field is NULL, an empty text is quoted."""
    file = io.BytesIO()
    frame.write_csv(file, include_header=False, quote_style="non_numeric")
    return file.getvalue()


def _storable(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    dates = [name for name, kind in frame.schema.items() if kind == pl.Date]
    return frame.with_columns(pl.col(dates).dt.to_string("%Y-%m-%d")) if dates else frame


def read(
    statement: str, parameters: Sequence[Any], schema: Mapping[str, Any], *, using: str = "default"
) -> pl.DataFrame:
    """The rows of a SELECT as one frame; marks are %s."""
    import polars as pl

    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return _from_csv(_copy_out(cursor, statement, parameters), schema)
        cursor.execute(statement, parameters)
        return pl.DataFrame(cursor.fetchall(), schema=dict(schema), orient="row")


def _copy_out(cursor: Any, statement: str, parameters: Sequence[Any]) -> bytes:
    with cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)", parameters) as copy:
        return b"".join(copy)


def _from_csv(text: bytes, schema: Mapping[str, Any]) -> pl.DataFrame:
    import polars as pl

    if not text:
        return pl.DataFrame(schema=dict(schema))
    return pl.read_csv(text, has_header=False, schema=dict(schema), empty_string_is_null=False)


def stream(statement: str, parameters: Sequence[Any], schema: Mapping[str, Any]) -> Iterator[pl.DataFrame]:
    """The rows of a SELECT as frames of some ten thousand rows, over a connection of their own: the caller's commits
    do not end it, and memory does not grow with the rows. A snapshot of when it began."""
    import polars as pl

    with _another_connection() as (vendor, connection):
        if vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET work_mem = '128MB'")
                copying = f"COPY ({statement}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)"
                with cursor.copy(copying, parameters) as copy:
                    yield from (_from_csv(block, schema) for block in _blocks(copy))
            return
        cursor = connection.execute(statement.replace("%s", "?"), parameters)
        while rows := cursor.fetchmany(BLOCK):
            yield pl.DataFrame(rows, schema=dict(schema), orient="row")


def _blocks(copy: Any) -> Iterator[bytes]:
    lines: list[bytes] = []
    for line in copy:
        lines.append(bytes(line))
        if len(lines) == BLOCK:
            yield b"".join(lines)
            lines.clear()
    if lines:
        yield b"".join(lines)


@contextmanager
def _another_connection() -> Iterator[tuple[str, Any]]:
    default: BaseDatabaseWrapper = connections["default"]
    with closing(default.get_new_connection(default.get_connection_params())) as connection:
        yield default.vendor, connection
