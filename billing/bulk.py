"""Many rows in one statement. With a place holder for each value, Django and the driver take longer to write the
statement than PostgreSQL to carry it out; there rows go as one JSON text, and values to look for as one array."""

import json
from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import F
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    Field = models.Field[Any, Any]
    Lookup = models.Lookup[Any]
else:
    # Django's are generic in their stubs only.
    Field = models.Field
    Lookup = models.Lookup


class Among(Lookup):
    """Whether the field `name` has one of these values, which are as the database has them: as __in, but written at
    once. For QuerySet.filter."""

    prepare_rhs = False

    def __init__(self, name: str, values: Collection[Any]) -> None:
        super().__init__(F(name), list(values))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        left, parameters = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            return f"{left} = ANY(%s)", [*parameters, self.rhs]
        return f"{left} IN ({', '.join(['%s'] * len(self.rhs))})", [*parameters, *self.rhs]


def insert_new(rows: Sequence[models.Model]) -> None:
    """Insert what no unique constraint forbids, in the caller's transaction. Primary keys are not told."""
    if not rows:
        return
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = [list(map(attrgetter(field.attname), rows)) for field in fields]
    once = _alike(columns) if connection.vendor == "postgresql" else set()
    each = [at for at in range(len(fields)) if at not in once]
    values = list(zip(*(columns[at] for at in each), strict=True))
    source, parameters = rows_as_table(model, [fields[at] for at in each], values)
    if once:
        source += f", json_populate_record(NULL::{model._meta.db_table}, %s::json) AS c"
        parameters.append(json.dumps({str(fields[at].column): columns[at][0] for at in once}, default=str))
    names = [connection.ops.quote_name(str(field.column)) for field in fields]
    chosen = ", ".join(f"{'c' if at in once else 'v'}.{name}" for at, name in enumerate(names))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) SELECT {chosen} FROM {source} WHERE true"  # noqa: S608
            " ON CONFLICT DO NOTHING",
            parameters,
        )


def _alike(columns: Sequence[list[Any]]) -> set[int]:
    """Those that have one value in all rows, by their place, but for the first: it is sent once, not with each row."""
    return {at for at, column in enumerate(columns) if at and column.count(column[0]) == len(column)}


def rows_as_table(
    model: type[models.Model], fields: Sequence[Field], rows: Sequence[Sequence[Any]]
) -> tuple[str, list[Any]]:
    """What stands after FROM, called v, with the columns of these fields; and its parameters."""
    columns = [str(field.column) for field in fields]
    if connection.vendor == "postgresql":
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        text = json.dumps(objects, default=str)
        return f"json_populate_recordset(NULL::{model._meta.db_table}, %s::json) AS v", [text]
    each = f"({', '.join(['%s'] * len(fields))})"
    named = ", ".join(f"column{at} AS {connection.ops.quote_name(name)}" for at, name in enumerate(columns, start=1))
    stored = [
        field.get_db_prep_save(value, connection) for row in rows for field, value in zip(fields, row, strict=True)
    ]
    return f"(SELECT {named} FROM (VALUES {', '.join([each] * len(rows))})) AS v", stored  # noqa: S608


def update_rows(
    model: type[models.Model], by: Sequence[str], names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Each row is the values of `by`, which find the model's rows, and of `names`, which are set in those that have
    others; none of `names` is nullable."""
    if not rows:
        return
    table = model._meta.db_table
    fields = [model._meta.get_field(name) for name in (*by, *names)]
    concrete: list[Field] = [field for field in fields if isinstance(field, models.Field)]
    source, parameters = rows_as_table(model, concrete, rows)
    columns = [field.column for field in concrete]
    changes = ", ".join(f"{column} = v.{column}" for column in columns[len(by) :])
    found = " AND ".join(f"{table}.{column} = v.{column}" for column in columns[: len(by)])
    other = " OR ".join(f"{table}.{column} <> v.{column}" for column in columns[len(by) :])
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {changes} FROM {source} WHERE {found} AND ({other})", parameters)  # noqa: S608
