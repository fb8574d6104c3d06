"""One group per role of backoffice/access.py, as they were named when this was written."""

from typing import Any

from django.db import migrations

ROLES = ("viewer", "finance", "operator", "engineer", "auditor")


def create(apps: Any, schema_editor: Any) -> None:
    group = apps.get_model("auth", "Group")
    for name in ROLES:
        group.objects.using(schema_editor.connection.alias).get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("regions", "0002_phone_sync"), ("auth", "0012_alter_user_first_name_max_length")]
    # Backwards, the groups stay: users may be in them.
    safe_beside = "adds groups, and changes none"
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
