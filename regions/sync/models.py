"""What the phone sync keeps: each change of a patient, written down before it is sent, and what became of each row."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from backoffice.fields import EncryptedJSONField
from backoffice.runs.models import Resolution


class UpdateState(models.TextChoices):
    INTENDED = "intended"
    WRITTEN = "written"
    NOT_WRITTEN = "not written"
    UNKNOWN = "unknown"
    PREVIEWED = "previewed"


class PhoneUpdate(models.Model):
    """One change of one patient's phone; closed in the transaction that counts its row.

    unknown: nobody can say yet whether it was written; the region's next run reads the patient and compares. The
    written ones say what the sync has changed, and from what.
    """

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    region = models.ForeignKey("regions.Region", models.PROTECT, related_name="+", editable=False)
    run = models.ForeignKey("runs.Run", models.PROTECT, related_name="+", editable=False)
    row = models.PositiveIntegerField(editable=False, help_text="Number of the sheet's row, as it was read.")
    patient_id = models.CharField(max_length=64, editable=False, help_text="Its id at the FHIR server.")
    state = models.CharField(max_length=12, choices=UpdateState.choices, default=UpdateState.INTENDED, editable=False)
    version_before = models.CharField(max_length=64, editable=False)
    version_after = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Empty where it was not written, or not told."
    )
    counted = models.BooleanField(default=False, editable=False, help_text="Whether its run's figures have it.")
    undoes = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", editable=False)
    change = EncryptedJSONField(
        identity="row_id",
        default=dict,
        help_text="number: in E.164, empty where it undoes; before, after: the patient's telecom, as FHIR's JSON.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=("run", "state"), name="phone_update_run_state"),
            models.Index(fields=("region", "state"), name="phone_update_region_state"),
            models.Index(fields=("region", "patient_id"), name="phone_update_patient"),
        )

    def __str__(self) -> str:
        return f"phone update {self.pk}"


class Notice(models.TextChoices):
    """Whether the operators' sheet says what became of the row; else why it never will."""

    WAITING = "waiting"
    TOLD = "told"
    CHANGED = "changed"
    AMBIGUOUS = "ambiguous"
    GONE = "gone"
    SUPERSEDED = "superseded"
    NONE = "none"


class PhoneRow(models.Model):
    """What became of one row of the sheet in one run. `status` is what the sheet is told, and holds no patient data."""

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    region = models.ForeignKey("regions.Region", models.PROTECT, related_name="+", editable=False)
    run = models.ForeignKey("runs.Run", models.PROTECT, related_name="+", editable=False)
    row = models.PositiveIntegerField(editable=False, help_text="Number of the sheet's row, as it was read.")
    outcome = models.CharField(max_length=20, editable=False)
    reason = models.CharField(max_length=120, blank=True, editable=False)
    patients = models.PositiveIntegerField(default=0, editable=False, help_text="How many the identifier stands for.")
    updated = models.PositiveIntegerField(default=0, editable=False, help_text="How many of them were changed.")
    rules = models.CharField(max_length=200, blank=True, editable=False, help_text="What cleaning had to do.")
    source = models.CharField(max_length=120, blank=True, editable=False)
    facility = models.CharField(max_length=120, blank=True, editable=False)
    status = models.CharField(max_length=300, editable=False)
    notice = models.CharField(max_length=12, choices=Notice.choices, default=Notice.WAITING, editable=False)
    key = EncryptedJSONField(
        identity="row_id", default=dict, help_text="identifier and phone, by which the row is known when it has moved."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("run", "row")
        indexes = (
            models.Index(fields=("run", "outcome"), name="phone_row_run_outcome"),
            models.Index(fields=("region", "notice"), name="phone_row_region_notice"),
            models.Index(fields=("region", "created_at"), name="phone_row_region_created"),
        )

    def __str__(self) -> str:
        return f"row {self.row} of run {self.run_id}"


class UndeliverablePhone(models.Model):
    """A number to which messages come back: its region's operators are to get another one from the patient.

    `digest` finds the number again without showing it (regions/sync/undeliverable.py).
    """

    class Reason(models.TextChoices):
        NO_SUCH_NUMBER = "no_such_number", "not in use"
        UNREACHABLE = "unreachable", "not reached for days"
        LANDLINE = "landline", "takes no SMS"
        REFUSED = "refused", "refused by the carrier"
        WRONG_PERSON = "wrong_person", "somebody else's"

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    region = models.ForeignKey("regions.Region", models.PROTECT, related_name="+", editable=False)
    digest = models.CharField(max_length=64, editable=False)
    reason = models.CharField(max_length=20, choices=Reason.choices, editable=False)
    patient_id = models.CharField(
        max_length=64, blank=True, editable=False, help_text="At the FHIR server; empty where nobody knows."
    )
    reports = models.PositiveIntegerField(default=1, editable=False)
    first_reported_at = models.DateTimeField(default=timezone.now, editable=False)
    last_reported_at = models.DateTimeField(default=timezone.now, editable=False)
    resolution = models.CharField(max_length=10, choices=Resolution.choices, default=Resolution.OPEN, editable=False)
    resolved_at = models.DateTimeField(null=True, editable=False)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    resolved_reason = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Why it was dismissed, as staff wrote it."
    )
    fixed_by = models.ForeignKey("runs.Run", models.PROTECT, null=True, related_name="+", editable=False)
    phone = EncryptedJSONField(identity="row_id", default=dict, help_text="number: in E.164.")

    class Meta:
        ordering = ("-id",)
        verbose_name = "undeliverable number"
        constraints = (
            models.UniqueConstraint(
                fields=("region", "digest", "patient_id"),
                condition=models.Q(resolution="open"),
                name="one_open_row_per_undeliverable_number",
            ),
        )

    def __str__(self) -> str:
        return f"undeliverable number {self.pk}"
