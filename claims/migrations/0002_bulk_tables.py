"""The bulk tables by night on PostgreSQL."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLES = ("claims_pricedclaim", "claims_adjudicatedclaim")


def by_night(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """On PostgreSQL each night becomes a partition: indexed once, at its end, and undone without a trace."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        schema_editor.execute(f"ALTER TABLE {table} RENAME TO {table}_plain")
        schema_editor.execute(f"CREATE TABLE {table} (LIKE {table}_plain) PARTITION BY RANGE (seq)")
        schema_editor.execute(f"DROP TABLE {table}_plain")
        schema_editor.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (seq)")


class Migration(migrations.Migration):
    dependencies = [("claims", "0001_initial")]
    operations = [migrations.RunPython(by_night, migrations.RunPython.noop)]
