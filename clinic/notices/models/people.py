"""Who wants no text messages, and who wants one each evening."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from backoffice.fields import EncryptedTextField
from clinic.patients.models import Patient
from regions.models import Region


class OptOut(models.Model):
    """A number from which STOP came: no SMS goes there until START. The number stands in an encrypted column.

    `digest` finds it again; `key` says which SECRET_KEY made the digest (clinic/notices/opting.py). `stop_sid` and
    `start_sid` are Twilio's names of the messages; a stop_sid that is empty: Twilio refused to send.
    """

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    digest = models.CharField(max_length=64, editable=False)
    key = models.CharField(max_length=16, editable=False)
    number = EncryptedTextField(identity="row_id", default="")
    stop_sid = models.CharField(max_length=40, blank=True, editable=False)
    start_sid = models.CharField(max_length=40, blank=True, editable=False)
    stopped_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("region", "digest"), condition=Q(started_at=None), name="one_opt_out_of_a_number"
            ),
        )

    def __str__(self) -> str:
        return f"opt-out {self.pk}"


class HeededText(models.Model):
    """A STOP or START that was heeded, by Twilio's name of the message: one that comes again changes nothing."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    sid = models.CharField(max_length=40, editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("region", "sid"), name="a_text_is_heeded_once"),)

    def __str__(self) -> str:
        return f"heeded text {self.pk}"


class BedTimeEnrolment(models.Model):
    """A patient who wants a message each day at `local_time` in the patient's zone, from `since` until `ended_at`."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    patient = models.OneToOneField(Patient, models.PROTECT, related_name="bed_time", editable=False)
    local_time = models.TimeField(help_text="In the patient's own zone.")
    channel = models.CharField(
        max_length=5, choices=[("sms", "SMS"), ("email", "e-mail"), ("push", "push")], default="sms"
    )
    since = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name = "bed time enrolment"
        indexes = (models.Index(fields=("region",), condition=Q(ended_at=None), name="bed_time_enrolled"),)

    def __str__(self) -> str:
        return f"bed time enrolment {self.pk}"
