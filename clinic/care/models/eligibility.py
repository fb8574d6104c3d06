"""What is known of patients' insurance, what payers have answered, and what the asking has cost."""

import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from backoffice.fields import EncryptedJSONField, EncryptedTextField
from backoffice.runs.models import Run
from clinic.booking.models import Appointment
from clinic.patients.models import Patient
from regions.models import Region


class Coverage(models.TextChoices):
    """As the adapter reads it (backoffice/adapters/eligibility_types.py)."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown", "not known"


class EligibilityInformation(models.Model):
    """By what a payer knows a patient. At most one of a patient is active: the one that is asked about.

    `status`: what the last report said of it, empty before the first. `changed_at`: of what is sent to the payer.
    """

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="eligibility", editable=False)
    payer_code = models.CharField(max_length=20, editable=False, help_text="pVerify's code of the payer.")
    payer_name = models.CharField(max_length=120, blank=True, editable=False)
    provider_npi = models.CharField("provider's NPI", max_length=10, editable=False)
    provider_last_name = models.CharField("provider", max_length=60, editable=False)
    member_id = EncryptedTextField(identity="row_id", default="")
    active = models.BooleanField(default=True, editable=False)
    status = models.CharField("insurance", max_length=8, choices=Coverage.choices, blank=True, editable=False)
    status_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name = "record of insurance"
        verbose_name_plural = "records of insurance"
        indexes = (models.Index(fields=("region", "id"), condition=Q(active=True), name="eligibility_active"),)
        constraints = (
            models.UniqueConstraint(
                fields=("patient",), condition=Q(active=True), name="one_active_information_of_a_patient"
            ),
        )

    def __str__(self) -> str:
        return f"eligibility information {self.pk}"


class EligibilityReport(models.Model):
    """A patient's report of one calendar month of the region: the row is the guard, and is there before the call.

    `answer`: {"message", "payer_message", "follow_up", "resolution"} or {"document"} word for word, and under
    "earlier" what was answered before the information was corrected; "asked_with" is the SHA-256 of what the payer was
    told, by which a correction is known. `calls`: how often the payer was asked in all.
    """

    class State(models.TextChoices):
        ASKED = "asked", "being asked"
        PENDING = "pending"
        PROCESSED = "processed"
        REJECTED = "rejected"
        UNKNOWN = "unknown", "perhaps asked"
        OPEN = "open", "not asked"

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="eligibility_reports", editable=False)
    information = models.ForeignKey(EligibilityInformation, models.PROTECT, related_name="reports", editable=False)
    run = models.ForeignKey(Run, models.PROTECT, related_name="+", editable=False)
    month = models.DateField(editable=False, help_text="Its first day.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKED, editable=False)
    code = models.CharField(max_length=40, blank=True, editable=False)
    calls = models.PositiveSmallIntegerField(default=1, editable=False)
    request_id = models.PositiveBigIntegerField(null=True, editable=False)
    coverage = models.CharField(max_length=8, choices=Coverage.choices, blank=True, editable=False)
    answer = EncryptedJSONField(identity="row_id", default=dict)
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("region", "state", "id"), name="eligibility_report_state"),)
        constraints = (models.UniqueConstraint(fields=("patient", "month"), name="one_report_per_patient_and_month"),)

    def __str__(self) -> str:
        return f"eligibility report {self.pk}"


class EligibilitySpend(models.Model):
    """How many calls of a region and month are spent, those among them that may have been, and how many may be."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    month = models.DateField(editable=False, help_text="Its first day.")
    calls = models.PositiveIntegerField(default=0, editable=False)
    cap = models.PositiveIntegerField(help_text="No further call is made from here on.")

    class Meta:
        ordering = ("-month", "region")
        verbose_name = "month of eligibility spending"
        verbose_name_plural = "months of eligibility spending"
        constraints = (models.UniqueConstraint(fields=("region", "month"), name="one_spend_per_region_and_month"),)

    def __str__(self) -> str:
        return f"eligibility spending {self.pk}"

    def get_additional_data(self) -> dict[str, Any]:
        return {"region": self.region_id}


class AppointmentComment(models.Model):
    """What a job has to say to who sees the patient; of one report at most one at an appointment."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="comments", editable=False)
    report = models.ForeignKey(EligibilityReport, models.CASCADE, null=True, related_name="comments", editable=False)
    text = EncryptedTextField(identity="row_id", default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("appointment", "report"), name="one_comment_of_a_report"),)

    def __str__(self) -> str:
        return f"comment {self.pk}"
