"""Frames into tables and out of them: psycopg's COPY on PostgreSQL, statements of many rows on SQLite.

What is written is made ready for many checkpoints at once; one by one, that took longer than the writing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import accumulate, chain, islice, pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connections

from claims.pipeline.cut import split

if TYPE_CHECKING:
    import polars as pl
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Model

BLOCK = 50_000
MOST_VARIABLES = 30_000  # of a statement; SQLite takes 32,766
Schema = Mapping[str, Any]  # column -> type of polars
Spelled = Mapping[str, str]  # column -> expression of SQL


class Rows(NamedTuple):
    """Records as their table's database takes them: lines of COPY's text, or a frame."""

    table: str
    columns: tuple[str, ...]
    height: int
    data: bytes | pl.DataFrame


def rows_each(records: pl.DataFrame, model: type[Model], count: int, *, using: str = "default") -> list[Rows]:
    """The records of each of so many checkpoints (column `checkpoint`, in order), ready to be written. Other columns
    are the table's."""
    table, columns = model._meta.db_table, tuple(name for name in records.columns if name != "checkpoint")
    if connections[using].vendor != "postgresql":
        return [Rows(table, columns, some.height, _storable(some)) for some in split(records, count)]
    lines, text = _copied(records, columns)
    sized = split(lines.with_columns(end=(lines["line"].str.len_bytes() + 1).cum_sum()), count)
    ends = accumulate(sized, lambda at, some: some["end"][-1] if some.height else at, initial=0)
    return [
        Rows(table, columns, some.height, text[begin:end])
        for some, (begin, end) in zip(sized, pairwise(ends), strict=True)
    ]


def _copied(records: pl.DataFrame, columns: Sequence[str]) -> tuple[pl.DataFrame, bytes]:
    """The records as lines of COPY's text format, with their checkpoints; and as one text, each line ended."""
    import polars as pl

    fields = [pl.col(name).cast(pl.String).fill_null(r"\N") for name in columns]
    lines = records.select("checkpoint", line=pl.concat_str(fields, separator="\t"))
    text = _text(lines)
    nulls = sum(records[name].null_count() for name in columns)
    marks = records.height * len(columns) + nulls  # between the fields, at the ends of lines, and of what is null
    if len(text) - len(text.translate(None, b"\t\n\r\\")) != marks:
        escaped = pl.col(pl.String)
        for mark, word in (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r")):
            escaped = escaped.str.replace_all(mark, word, literal=True)
        lines = records.with_columns(escaped).select("checkpoint", line=pl.concat_str(fields, separator="\t"))
        text = _text(lines)
    return lines, text


def _text(lines: pl.DataFrame) -> bytes:
    return f"{lines['line'].str.join(chr(10)).item()}\n".encode() if lines.height else b""


def write(frame: pl.DataFrame, model: type[Model], *, using: str = "default") -> None:
    """Append the frame to the model's table, inside the caller's transaction. Column names are the table's."""
    import polars as pl

    append(*rows_each(frame.with_columns(checkpoint=pl.lit(0)), model, 1, using=using), using=using)


def append(rows: Rows, *, using: str = "default") -> None:
    """Append the rows to their table, inside the caller's transaction."""
    if not rows.height:
        return
    connection = connections[using]
    names = ", ".join(f'"{name}"' for name in rows.columns)
    # The driver is asked past Django, whose errors the kernel knows.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if isinstance(rows.data, bytes):
            with cursor.copy(f"COPY {rows.table} ({names}) FROM STDIN") as copy:
                copy.write(rows.data)
            return
        insert_all(cursor, f"INSERT INTO {rows.table} ({names})", len(rows.columns), rows.data.iter_rows())


def insert_all(cursor: Any, insert: str, width: int, rows: Iterator[Sequence[Any]], otherwise: str = "") -> None:
    """Rows of so many values into a table of SQLite, thousands by one statement: "`insert` VALUES … `otherwise`".
    Between two of them, and two of executemany's, the driver waits for the interpreter while another thread computes:
    5 ms, for each row."""
    connection = cursor.cursor.connection  # past Django, which would look for its own marks in the statement
    while some := list(islice(rows, MOST_VARIABLES // width)):
        marks = ", ".join([f"({', '.join('?' * width)})"] * len(some))
        connection.execute(f"{insert} VALUES {marks} {otherwise}", tuple(chain.from_iterable(some)))


def _storable(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    dates = [name for name, kind in frame.schema.items() if kind == pl.Date]
    return frame.with_columns(pl.col(dates).dt.to_string("%Y-%m-%d")) if dates else frame


def read(
    source: str, parameters: Sequence[Any], schema: Schema, *, spelled: Spelled = MappingProxyType({})
) -> pl.DataFrame:
    """The rows of "SELECT columns source" as one frame, whose schema names the columns; marks are %s. `spelled`:
    expressions of columns that have another name than in the frame."""
    import polars as pl

    connection = connections["default"]
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        with connection.wrap_database_errors:
            lines = _copy_out(connection.connection, _select(source, schema, spelled), parameters)
            return pl.concat([pl.DataFrame(schema=dict(schema)), *(_from_csv(text, schema) for text in _blocks(lines))])
    with connection.wrap_database_errors, connection.cursor() as cursor:
        statement = f"SELECT CAST(group_concat(line, char(10)) AS blob) FROM ({_select_lines(source, schema, spelled)})"  # noqa: S608
        ((text,),) = cursor.cursor.connection.execute(statement, parameters)
        return _from_csv(text or b"", schema)


def _select(source: str, schema: Schema, spelled: Spelled) -> str:
    return f"SELECT {', '.join(spelled.get(name, name) for name in schema)} {source}"


def _select_lines(source: str, schema: Schema, spelled: Spelled) -> str:
    """For SQLite: the rows as lines of CSV. One text instead of many objects, and many rows in one, for which the
    driver does not let go of the interpreter in between: it would wait for it as long as another thread computes."""
    import polars as pl

    columns = {spelled.get(name, name): kind == pl.String for name, kind in schema.items()}
    quick = ",".join('"%w"' if text else "%s" for text in columns.values())
    line = f"printf('{quick}', {', '.join(columns)})"
    if texts := [name for name, text in columns.items() if text]:
        # What is null would be spelled as a text.
        each = (f"""'"' || replace({name}, '"', '""') || '"'""" if text else name for name, text in columns.items())
        exact = f"printf('{','.join(['%s'] * len(columns))}', {', '.join(each)})"
        line = f"CASE WHEN {' OR '.join(f'{name} IS NULL' for name in texts)} THEN {exact} ELSE {line} END"
    return f"SELECT {line} AS line {source.replace('%s', '?')}"


def _copy_out(connection: Any, statement: str, parameters: Sequence[Any]) -> Iterator[bytes]:
    """The rows as lines of CSV. libpq hands them over one by one; psycopg's own loop takes three times as long."""
    from psycopg import ClientCursor, OperationalError
    from psycopg.pq import ExecStatus

    copying = ClientCursor(connection).mogrify(f"COPY ({statement}) TO STDOUT (FORMAT csv)", parameters)
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


def _from_csv(text: bytes, schema: Schema) -> pl.DataFrame:
    import polars as pl

    if not text:
        return pl.DataFrame(schema=dict(schema))
    return pl.read_csv(text, has_header=False, schema=dict(schema))


def stream(
    source: str, parameters: Sequence[Any], schema: Schema, *, spelled: Spelled = MappingProxyType({})
) -> Iterator[pl.DataFrame]:
    """The same as frames of some ten thousand rows, over a connection of their own: the caller's commits do not end
    it, and memory does not grow with the rows. A snapshot of when it began."""
    with _another_connection() as (vendor, connection), connections["default"].wrap_database_errors:
        if vendor == "postgresql":
            connection.execute("SET work_mem = '128MB'")
            lines = _copy_out(connection, _select(source, schema, spelled), parameters)
        else:
            rows = connection.execute(_select_lines(source, schema, spelled), parameters)
            lines = (f"{line}\n".encode() for (line,) in rows)
        yield from (_from_csv(block, schema) for block in _blocks(lines))


def _blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    while block := b"".join(islice(lines, BLOCK)):
        yield block


@contextmanager
def _another_connection() -> Iterator[tuple[str, Any]]:
    default: BaseDatabaseWrapper = connections["default"]
    with closing(default.get_new_connection(default.get_connection_params())) as connection:
        yield default.vendor, connection
