"""The bulk tables on PostgreSQL: by night, and their texts compared byte by byte, as the pipeline sorts them."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BY_NIGHT = ("claims_pricedclaim", "claims_adjudicatedclaim")
BULK = {
    "stagedline": ("claim_id", "member_id", "service_date"),
    "pricedclaim": ("claim_id", "member_id", "provider_npi"),
    "adjudicatedclaim": ("claim_id", "member_id", "provider_npi"),
    "beforeimage": ("member_id",),
}
ACCUMULATORS = {"accumulator": ("member_id",)}


def by_night(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """On PostgreSQL each night becomes a partition: indexed once, at its end, and undone without a trace."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in BY_NIGHT:
        schema_editor.execute(f"ALTER TABLE {table} RENAME TO {table}_plain")
        schema_editor.execute(f"CREATE TABLE {table} (LIKE {table}_plain) PARTITION BY RANGE (seq)")
        schema_editor.execute(f"DROP TABLE {table}_plain")
        schema_editor.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (seq)")


def byte_by_byte(tables: dict[str, tuple[str, ...]], schema_editor: BaseDatabaseSchemaEditor) -> None:
    """SQLite compares so in any case; on PostgreSQL a language's order takes twice as long for an index."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, columns in tables.items():
        kind = "varchar(40)" if table == "stagedline" else "text"
        kinds = {"service_date": "varchar(20)"}
        changes = ", ".join(
            f'ALTER COLUMN {column} TYPE {kinds.get(column, kind)} COLLATE "C"' for column in columns
        )
        schema_editor.execute(f"ALTER TABLE claims_{table} {changes}")


def bulk_tables(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    byte_by_byte(BULK, schema_editor)


def accumulators(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Also where they have a database of their own."""
    byte_by_byte(ACCUMULATORS, schema_editor)


class Migration(migrations.Migration):
    dependencies = [("claims", "0001_initial")]
    safe_beside = "the tables of 0001 before any row, in the same columns"
    operations = [
        migrations.RunPython(by_night, migrations.RunPython.noop),
        migrations.RunPython(bulk_tables, migrations.RunPython.noop),
        migrations.RunPython(accumulators, migrations.RunPython.noop, hints={"model_name": "accumulator"}),
    ]
