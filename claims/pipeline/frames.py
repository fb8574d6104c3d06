"""Frames into tables and out of them: psycopg's COPY on PostgreSQL, executemany and fetchmany on SQLite."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
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
    # The driver is asked past Django, whose errors the kernel knows.
    with connection.cursor() as cursor, connection.wrap_database_errors:
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
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        with connection.wrap_database_errors:
            text = b"".join(_copy_out(connection.connection, statement, parameters))
        return _from_csv(text, schema)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return pl.DataFrame(cursor.fetchall(), schema=dict(schema), orient="row")


def _copy_out(connection: Any, statement: str, parameters: Sequence[Any]) -> Iterator[bytes]:
    """The rows as lines of CSV. libpq hands them over one by one; psycopg's own loop takes three times as long."""
    from psycopg import ClientCursor, OperationalError
    from psycopg.pq import ExecStatus

    copying = ClientCursor(connection).mogrify(f"COPY ({statement}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)", parameters)
    channel = connection.pgconn
    begun = channel.exec_(copying.encode())
    if begun.status != ExecStatus.COPY_OUT:
        raise OperationalError(begun.error_message.decode(errors="replace"))
    size, line = channel.get_copy_data(0)
    while size > 0:
        yield bytes(line)
        size, line = channel.get_copy_data(0)
    ended = channel.get_result()
    while channel.get_result() is not None:
        pass
    if size != -1 or ended is None or ended.status != ExecStatus.COMMAND_OK:
        raise OperationalError("The database broke off while it was read.")


def _from_csv(text: bytes, schema: Mapping[str, Any]) -> pl.DataFrame:
    import polars as pl

    if not text:
        return pl.DataFrame(schema=dict(schema))
    return pl.read_csv(text, has_header=False, schema=dict(schema), empty_string_is_null=False)


def stream(statement: str, parameters: Sequence[Any], schema: Mapping[str, Any]) -> Iterator[pl.DataFrame]:
    """The rows of a SELECT as frames of some ten thousand rows, over a connection of their own: the caller's commits
    do not end it, and memory does not grow with the rows. A snapshot of when it began."""
    import polars as pl

    with _another_connection() as (vendor, connection), connections["default"].wrap_database_errors:
        if vendor == "postgresql":
            connection.execute("SET work_mem = '128MB'")
            lines = _copy_out(connection, statement, parameters)
            yield from (_from_csv(block, schema) for block in _blocks(lines))
            return
        cursor = connection.execute(statement.replace("%s", "?"), parameters)
        while rows := cursor.fetchmany(BLOCK):
            yield pl.DataFrame(rows, schema=dict(schema), orient="row")


def _blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    while block := b"".join(islice(lines, BLOCK)):
        yield block


@contextmanager
def _another_connection() -> Iterator[tuple[str, Any]]:
    default: BaseDatabaseWrapper = connections["default"]
    with closing(default.get_new_connection(default.get_connection_params())) as connection:
        yield default.vendor, connection
