from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("booking", "0002_outside")]

    operations = [
        migrations.AlterModelOptions(
            name="waitlistentry",
            options={"ordering": ("id",), "verbose_name_plural": "waitlist entries"},
        ),
    ]
