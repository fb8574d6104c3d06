import django.db.models.deletion
from django.db import migrations, models

KINDS = [('confirmation', 'Confirmation'), ('reminder_morning', 'reminder in the morning'), ('reminder_before', 'reminder before the visit'), ('reschedule', 'another time'), ('cancellation', 'Cancellation'), ('missed', 'missed visit'), ('bedtime', 'bed time message'), ('waitlist_offer', 'offer of the waitlist')]


class Migration(migrations.Migration):

    safe_after = "the first release: one constraint allows more than before, the other is of a column that old code leaves NULL"

    dependencies = [
        ('booking', '0001_initial'),
        ('notices', '0002_heeded_texts'),
    ]

    operations = [
        migrations.AddField(
            model_name='notice',
            name='waiting',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='booking.waitlistentry'),
        ),
        migrations.AlterField(
            model_name='notice',
            name='kind',
            field=models.CharField(choices=KINDS, editable=False, max_length=16),
        ),
        migrations.AlterField(
            model_name='template',
            name='kind',
            field=models.CharField(choices=KINDS, max_length=16),
        ),
        migrations.RemoveConstraint(model_name='notice', name='notice_is_of_one'),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('waiting', 'channel'), name='one_notice_of_an_offer_and_channel'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('appointment__isnull', False), ('day', None), ('enrolment', None), ('waiting', None)), models.Q(('appointment', None), ('day__isnull', False), ('enrolment__isnull', False), ('waiting', None)), models.Q(('appointment', None), ('day', None), ('enrolment', None), ('waiting__isnull', False)), _connector='OR'), name='notice_is_of_one'),
        ),
    ]
