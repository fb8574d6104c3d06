"""The triggers that keep rows of the audit log as they were written, on SQLite and on PostgreSQL.

An upgrade of django-auditlog that rebuilds its table drops them on SQLite: run `protect` again in a migration.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

REFUSAL = "rows of the audit log cannot be changed"

# INSERT OR REPLACE removes a row without a DELETE that a trigger would see; hence the third of SQLite's.
_PROTECT = {
    "sqlite": """
CREATE TRIGGER IF NOT EXISTS audit_rows_no_update BEFORE UPDATE ON auditlog_logentry
BEGIN SELECT RAISE(ABORT, 'rows of the audit log cannot be changed'); END;

CREATE TRIGGER IF NOT EXISTS audit_rows_no_delete BEFORE DELETE ON auditlog_logentry
BEGIN SELECT RAISE(ABORT, 'rows of the audit log cannot be changed'); END;

CREATE TRIGGER IF NOT EXISTS audit_rows_no_replace BEFORE INSERT ON auditlog_logentry
WHEN EXISTS (SELECT 1 FROM auditlog_logentry WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'rows of the audit log cannot be changed'); END;
""",
    "postgresql": """
CREATE OR REPLACE FUNCTION audit_rows_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'rows of the audit log cannot be changed' USING ERRCODE = 'restrict_violation'; END $$;

CREATE OR REPLACE TRIGGER audit_rows_no_change BEFORE UPDATE OR DELETE ON auditlog_logentry
FOR EACH ROW EXECUTE FUNCTION audit_rows_refuse();

CREATE OR REPLACE TRIGGER audit_rows_no_truncate BEFORE TRUNCATE ON auditlog_logentry
FOR EACH STATEMENT EXECUTE FUNCTION audit_rows_refuse();
""",
}
_RELEASE = {
    "sqlite": """
DROP TRIGGER IF EXISTS audit_rows_no_update;

DROP TRIGGER IF EXISTS audit_rows_no_delete;

DROP TRIGGER IF EXISTS audit_rows_no_replace;
""",
    "postgresql": "DROP FUNCTION IF EXISTS audit_rows_refuse() CASCADE;",
}


def protect(connection: BaseDatabaseWrapper) -> None:
    """Make the database refuse to change or remove rows of the audit log. Safe to repeat."""
    _execute(connection, _PROTECT[connection.vendor])


def release(connection: BaseDatabaseWrapper) -> None:
    """Take the protection off: for a migration that rebuilds the table, and for tests that empty their database."""
    _execute(connection, _RELEASE[connection.vendor])


def _execute(connection: BaseDatabaseWrapper, script: str) -> None:
    # One statement at a time: SQLite's executescript would commit the migration's transaction.
    with connection.cursor() as cursor:
        for statement in filter(str.strip, script.split("\n\n")):
            cursor.execute(statement)
