from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("care", "0002_messages_lead_to_their_events")]

    operations = [
        migrations.AlterModelOptions(
            name="eligibilityinformation",
            options={
                "ordering": ("-id",),
                "verbose_name": "record of insurance",
                "verbose_name_plural": "records of insurance",
            },
        ),
        migrations.AlterModelOptions(
            name="eligibilityspend",
            options={
                "ordering": ("-month", "region"),
                "verbose_name": "month of eligibility spending",
                "verbose_name_plural": "months of eligibility spending",
            },
        ),
    ]
