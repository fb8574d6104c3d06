"""Rows of the audit log can be added, and neither changed nor removed."""

from typing import Any

from django.db import migrations

from backoffice.audit_rows import protect, release


def forwards(apps: Any, schema_editor: Any) -> None:
    protect(schema_editor.connection)


def backwards(apps: Any, schema_editor: Any) -> None:
    release(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("regions", "0003_roles"), ("auditlog", "0017_add_actor_email")]
    safe_beside = "old code adds rows to the audit log as well, and changes none"
    operations = [migrations.RunPython(forwards, backwards)]
