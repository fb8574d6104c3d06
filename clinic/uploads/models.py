"""Videos as they come in: how much of each is there, and what became of it."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from backoffice.fields import EncryptedTextField
from clinic.booking.models import Appointment
from clinic.patients.models import Patient
from regions.models import Region


def new_file_name() -> str:
    """A name that says nothing of whose video it is."""
    return uuid.uuid4().hex


class Upload(models.Model):
    """One video of a patient, maybe of an appointment. `length` and `offset` are bytes; those before `offset` are safe.

    `fence`: of who writes, counted up by each that begins. `file`: its name in the storage "uploads", empty once the
    bytes are gone. `metadata`: the header Upload-Metadata word for word. `problem`: why it failed, a line of ours.
    """

    class State(models.TextChoices):
        UPLOADING = "uploading"
        RECEIVED = "received", "Waiting to be checked"
        COMPLETED = "completed"
        FAILED = "failed"
        WITHDRAWN = "withdrawn"

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="uploads", editable=False)
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, related_name="uploads", editable=False)
    state = models.CharField(max_length=9, choices=State.choices, default=State.UPLOADING, editable=False)
    file = models.CharField(max_length=32, blank=True, default=new_file_name, editable=False)
    length = models.PositiveBigIntegerField(editable=False)
    offset = models.PositiveBigIntegerField(default=0, editable=False)
    fence = models.PositiveIntegerField(default=0, editable=False)
    kind = models.CharField(max_length=9, blank=True, editable=False, help_text="By its content.")
    problem = models.CharField(max_length=120, blank=True, editable=False)
    metadata = EncryptedTextField(identity="row_id", default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(editable=False, help_text="When it is given up, unless more of it comes.")
    received_at = models.DateTimeField(null=True, editable=False)
    processed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name = "video"
        constraints = (
            models.CheckConstraint(condition=Q(offset__lte=F("length")), name="no_upload_is_longer_than_said"),
        )
        indexes = (
            models.Index(fields=("region", "state", "id"), name="upload_state"),
            models.Index(fields=("file",), condition=~Q(file=""), name="upload_file"),
        )

    def __str__(self) -> str:
        return f"video {self.pk}"
