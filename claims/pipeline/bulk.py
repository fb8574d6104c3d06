"""The bulk tables by night: on PostgreSQL each night is a partition of its own, so that its indexes are built once, at
its end, and undoing it costs nothing; on SQLite one table holds them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection, models, transaction

from claims.models import Night
from claims.pipeline import frames
from claims.pipeline.numbers import span

if TYPE_CHECKING:
    import polars as pl

BLOCK = 100_000


def table_of(model: type[models.Model], night: Night) -> str:
    """The table that holds the night's rows."""
    name = model._meta.db_table
    return f"{name}_n{night.pk}" if connection.vendor == "postgresql" else name


def rows_of(model: type[models.Model], night: Night) -> tuple[str, Sequence[Any]]:
    """All rows of the night, to stand after FROM, with the parameters. A table of its own is named without its bounds:
    with them PostgreSQL would go by the key, which takes three times as long."""
    if connection.vendor == "postgresql":
        return table_of(model, night), ()
    return f"{table_of(model, night)} WHERE seq >= %s AND seq < %s", span(night.pk)


def begin_night(model: type[models.Model], night: Night) -> None:
    if connection.vendor != "postgresql":
        return
    begin, end = span(night.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {table_of(model, night)} PARTITION OF {model._meta.db_table}"
            f" FOR VALUES FROM ({begin}) TO ({end})"
        )


def analyze(*tables: str) -> None:
    """Tell PostgreSQL's planner roughly what the tables hold by now: what it knows is of before, and it would look rows
    up one by one, or not at all by their numbers. A tenth of the usual sample says as much in a tenth of the time. A
    table that autovacuum is at is left to it: to wait would be to end it, which takes PostgreSQL a second."""
    if connection.vendor != "postgresql":
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL default_statistics_target = 10")
        cursor.execute(f"ANALYZE (SKIP_LOCKED) {', '.join(tables)}")


def index_by_claim(model: type[models.Model], night: Night) -> None:
    """For who looks a claim up; built once, of the whole night."""
    table = table_of(model, night)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX IF NOT EXISTS {table}_claim ON {table} (claim_id)")


def forget(model: type[models.Model], night: Night, partition: int) -> None:
    """Delete the rows of one partition of the night."""
    begin, end = span(night.pk, partition)
    begin_night(model, night)
    with connection.cursor() as cursor:
        key = model._meta.pk.column
        cursor.execute(f"DELETE FROM {table_of(model, night)} WHERE {key} >= %s AND {key} < %s", [begin, end])  # noqa: S608


def rows(
    model: type[models.Model], night: Night, columns: Sequence[str], *,
    partition: int | None = None, after: int = 0, first: int = BLOCK,
) -> Iterator[pl.DataFrame]:  # fmt: skip
    """The night's rows in the order of their numbers, by ranges of them: memory does not grow with the night. `first`:
    how many numbers the first range has, for whom there is nothing to be done until it is there."""
    begin, end = span(night.pk, partition)
    begin = max(begin, after + 1)
    schema, table = schema_of(model, columns), table_of(model, night)
    source = f"FROM {table} WHERE seq >= %s AND seq < %s ORDER BY seq"
    while (found := _first_from(table, begin, end)) is not None:
        upto = min(found + first, end)
        yield frames.read(source, [found, upto], schema)
        begin, first = upto, BLOCK


def by_provider(
    model: type[models.Model], night: Night, columns: Sequence[str], *, after: Sequence[Any] = ()
) -> Iterator[pl.DataFrame]:
    """The night's rows after that (provider, claim, line) in this order, sorted by the database and streamed."""
    order = "provider_npi, claim_id, line_number"
    above = f" AND ({order}) > (%s, %s, %s)" if after else ""
    source = f"FROM {table_of(model, night)} WHERE seq >= %s AND seq < %s{above} ORDER BY {order}"
    return frames.stream(source, [*span(night.pk), *after], schema_of(model, columns))


def _first_from(table: str, begin: int, end: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(seq) FROM {table} WHERE seq >= %s AND seq < %s", [begin, end])  # noqa: S608
        (found,) = cursor.fetchone()
    return found  # type: ignore[no-any-return]


def schema_of(model: type[models.Model], columns: Sequence[str]) -> dict[str, Any]:
    import polars as pl

    kinds: dict[type[Any], Any] = {
        models.BigIntegerField: pl.Int64,
        models.IntegerField: pl.Int64,
        models.SmallIntegerField: pl.Int16,
        models.DateField: pl.Date,
        models.TextField: pl.String,
    }
    return {name: kinds[type(model._meta.get_field(name))] for name in columns}
