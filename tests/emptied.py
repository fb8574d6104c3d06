"""The database after a test with real transactions: as the migrations have left it."""

from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from backoffice.audit_rows import protect, release

AUDIT_LOG = "auditlog_logentry"


class Migrated:
    """What the database holds now, which `restore` brings back: the rows of some tables, and none in the others.

    Django's flush writes all permissions and content types anew after each such test: ten times the work of this.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self._rows = {table: self._rows_of(table) for table in self._filled(self._tables)}

    def restore(self) -> None:
        """Bring it back, in one transaction."""
        empty = [table for table in self._tables if table not in self._rows]
        with transaction.atomic(using=self._connection.alias):
            spoilt = self._filled(empty)
            changed = [table for table, rows in self._rows.items() if self._rows_of(table) != rows]
            if AUDIT_LOG in spoilt:
                release(self._connection)
            for table in [*spoilt, *changed]:
                self._ask(f"DELETE FROM {self._quoted(table)}")
            for table in changed:
                self._write(table, self._rows[table])
            if AUDIT_LOG in spoilt:
                protect(self._connection)

    def _filled(self, tables: list[str]) -> list[str]:
        """Those of the tables that have a row."""
        each = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {self._quoted(table)})" for table in tables]
        return [name for (name,) in self._ask(" UNION ALL ".join(each))]

    def _rows_of(self, table: str) -> list[tuple[Any, ...]]:
        return self._ask(f"SELECT * FROM {self._quoted(table)} ORDER BY 1")

    def _write(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        places = ", ".join(["%s"] * len(rows[0]))
        with self._connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {self._quoted(table)} VALUES ({places})", rows)

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _quoted(self, table: str) -> str:
        return self._connection.ops.quote_name(table)
