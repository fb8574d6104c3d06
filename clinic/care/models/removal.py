"""What forbids the removal of a patient."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from backoffice.fields import EncryptedTextField
from clinic.patients.models import Patient
from regions.models import Region


class RetentionHold(models.Model):
    """While it stands, nothing of the patient is removed: a dispute, an audit, a court. `reason` may say something of
    the patient and is encrypted. Released, never deleted with the patient's rows still there."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="retention_holds", editable=False)
    reason = EncryptedTextField(identity="row_id", default="")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    released_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"retention hold {self.pk}"
