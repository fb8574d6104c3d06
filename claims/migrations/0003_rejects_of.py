"""Which night's rejects a batch has, in a column: until now the words of its source said so."""

from datetime import date

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SOURCE = "rejects of the night of "


def from_words(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Of batches whose source names a night that there is."""
    batches = apps.get_model("claims", "StagedBatch").objects.using(schema_editor.connection.alias)
    nights = apps.get_model("claims", "Night").objects.using(schema_editor.connection.alias)
    named = {(night.region_id, f"{SOURCE}{night.run_date}"): night.run_date for night in nights.all()}
    for batch in batches.filter(source__startswith=SOURCE):
        night: date | None = named.get((batch.region_id, batch.source))
        if night:
            batches.filter(pk=batch.pk).update(rejects_of=night)


class Migration(migrations.Migration):
    dependencies = [("claims", "0002_bulk_tables")]
    safe_beside = "fills a column that old code does not know"
    operations = [
        migrations.AddField(
            model_name="stagedbatch",
            name="rejects_of",
            field=models.DateField(
                editable=False, help_text="The night whose rejects these are, staged again.", null=True
            ),
        ),
        migrations.RunPython(from_words, migrations.RunPython.noop),
    ]
