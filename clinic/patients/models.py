"""Patients of a region, and the keys by which a portal names one of them."""

import uuid

from django.db import models
from django.utils import timezone

from backoffice.fields import EncryptedTextField
from regions.models import ApiToken, Region, validate_time_zone


class Patient(models.Model):
    """A patient as the region's hospital knows it by `external_id`. Who it is stands in encrypted columns only.

    `birth_date` is ISO; `phone` as E.164; `language` a BCP 47 tag; `time_zone` empty: the region's.
    """

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    external_id = models.CharField("patient reference", max_length=120, editable=False)
    given_name = EncryptedTextField(identity="row_id", default="")
    family_name = EncryptedTextField(identity="row_id", default="")
    birth_date = EncryptedTextField(identity="row_id", default="")
    phone = EncryptedTextField(identity="row_id", default="")
    email = EncryptedTextField(identity="row_id", default="")
    push_token = EncryptedTextField(identity="row_id", default="")
    language = models.CharField(max_length=35, blank=True, editable=False)
    time_zone = models.CharField(max_length=64, blank=True, editable=False, validators=[validate_time_zone])
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("region", "external_id"), name="one_patient_of_a_reference"),)

    def __str__(self) -> str:
        return f"patient {self.pk}"

    @property
    def removed_reference(self) -> str:
        """What stands for the hospital's reference once the patient is anonymous."""
        return f"removed-{self.row_id}"

    @property
    def is_removed(self) -> bool:
        """Whether it was made anonymous: nothing is written to it any more."""
        return self.external_id == self.removed_reference


class PortalKey(models.Model):
    """Makes a token of the API a portal's: it acts for the patient that each request names in a claim signed by this.

    `secret`: of HMAC-SHA256, shown once when it is made (clinic/patients/portal.py).
    """

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    token = models.OneToOneField(ApiToken, models.PROTECT, related_name="portal_key", editable=False)
    secret = EncryptedTextField(identity="row_id", default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"portal key {self.pk}"
