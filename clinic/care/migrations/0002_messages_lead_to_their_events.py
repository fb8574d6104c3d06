from django.db import migrations

from clinic.events.inbound.adopting import adopt


def lead(apps, schema_editor):
    adopt(apps.get_model("events.Inbound")._base_manager, apps.get_model("events.Outbox")._base_manager)


class Migration(migrations.Migration):
    """Messages from before events named theirs go with their patient, too."""

    dependencies = [("care", "0001_initial"), ("events", "0001_initial")]
    safe_beside = "adds a key to events that old code does not read, and empties texts that lead to no patient"
    operations = [migrations.RunPython(lead, migrations.RunPython.noop)]
