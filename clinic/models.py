"""What recovery keeps: the worklist, the writes it intended, a run's windows, and charges that nothing supports."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from backoffice.runs.models import Run
from regions.models import Region


class MissingServiceStatus(models.TextChoices):
    FOUND = "found", "found (preview)"
    OPEN = "open"
    DISMISSED = "dismissed"
    CLOSED = "closed"


# Rows that somebody still has to do something about.
ACTIONABLE = (MissingServiceStatus.OPEN, MissingServiceStatus.FOUND)


class MissingService(models.Model):
    """The worklist: one row per appointment that is, or was, short of services.

    open: a writing run could not write it, or not all. found: a preview saw it. closed: every due service stands in
    the hospital's billing. dismissed: finance does not want it written, until `dismissed_until` (None: for good).
    `priority` is money times urgency, renewed for the whole region at the end of each run (worklist.renew_priorities).
    """

    region = models.ForeignKey(Region, models.PROTECT, related_name="missing_services", editable=False)
    appointment_id = models.CharField(max_length=120, editable=False)
    start = models.DateTimeField(editable=False)
    department_id = models.CharField("department", max_length=120, blank=True, editable=False)
    patient_id = models.CharField("patient reference", max_length=120, blank=True, editable=False)
    type_code = models.CharField("appointment type", max_length=60, blank=True, editable=False)
    status = models.CharField(max_length=10, choices=MissingServiceStatus.choices, editable=False)
    outcome = models.CharField(max_length=20, editable=False)
    category = models.CharField(max_length=40, blank=True, editable=False)
    reasons = models.TextField(blank=True, editable=False)
    detail = models.TextField(blank=True, editable=False)
    services = models.TextField(
        "written, or to be written", blank=True, editable=False, help_text="CODExQUANTITY, joined by ;"
    )
    value = models.DecimalField(max_digits=15, decimal_places=2, null=True, editable=False)
    missing = models.TextField("still missing", blank=True, editable=False, help_text="CODExQUANTITY, joined by ;")
    at_stake = models.DecimalField(
        "money at stake",
        max_digits=15,
        decimal_places=2,
        null=True,
        editable=False,
        help_text="Σ price · quantity of what is still missing; empty where it is unknown.",
    )
    filing_deadline = models.DateField(editable=False)
    priority = models.DecimalField(max_digits=18, decimal_places=2, default=0, editable=False)
    blocked_by = models.CharField(
        max_length=160, blank=True, editable=False, help_text="The master record that holds it up: kind:id, or empty."
    )
    run = models.ForeignKey(Run, models.PROTECT, related_name="+", editable=False)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    note = models.TextField(blank=True)
    dismissed_reason = models.CharField(max_length=200, blank=True, editable=False)
    dismissed_until = models.DateField(null=True, editable=False)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    dismissed_at = models.DateTimeField(null=True, editable=False)
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-priority", "-id")
        constraints = (
            models.UniqueConstraint(fields=("region", "appointment_id"), name="one_row_per_region_and_appointment"),
        )
        indexes = (
            models.Index(fields=("status", "-priority", "-id"), name="missing_status_priority"),
            models.Index(fields=("region", "status", "-priority", "-id"), name="missing_region_priority"),
            models.Index(fields=("region", "blocked_by", "status", "at_stake"), name="missing_blocked_by"),
            models.Index(fields=("status", "category", "-priority", "-id"), name="missing_category"),
            models.Index(fields=("run",), name="missing_run"),
        )

    def __str__(self) -> str:
        return f"missing service {self.pk}"


class WriteState(models.TextChoices):
    PREVIEWED = "previewed"
    INTENDED = "intended"
    WRITTEN = "written"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_WRITTEN = "not_written", "not written"


class ServiceWrite(models.Model):
    """One createServiceSession, written down before it is sent; closed in the transaction that counts its appointment.

    unknown: nobody can say yet whether it was written; the next run of the region settles it first, by its key.
    The written ones are the run's record of what it billed: they are never changed or deleted.
    """

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    run = models.ForeignKey(Run, models.PROTECT, related_name="+", editable=False)
    appointment_id = models.CharField(max_length=120, editable=False)
    start = models.DateTimeField(editable=False)
    idempotency_key = models.CharField(max_length=64, editable=False)
    state = models.CharField(max_length=12, choices=WriteState.choices, default=WriteState.INTENDED, editable=False)
    window = models.PositiveIntegerField(default=0, editable=False, help_text="RecoveryWindow.number of its chain.")
    services = models.JSONField(editable=False, help_text="[[block, quantity, price], …], sorted by block.")
    service_count = models.PositiveIntegerField(default=0, editable=False, help_text="How many services that are.")
    outcome = models.CharField(max_length=20, editable=False)
    reasons = models.TextField(blank=True, editable=False)
    value = models.DecimalField(max_digits=15, decimal_places=2, editable=False)
    appointment = models.JSONField(
        default=dict, editable=False,
        help_text="patient_id, department_id, type_code; destination: [case, closed, cost center, physician]; "
        "dropped: [[block, quantity, price, reason], …].",
    )  # fmt: skip
    session_id = models.CharField(max_length=120, blank=True, editable=False)
    settled = models.BooleanField(
        default=False,
        editable=False,
        help_text="Counted by a restart's settling: its chain does not read the appointment again.",
    )
    late = models.BooleanField(
        default=False,
        editable=False,
        help_text="Found after its run had counted it as failed: in no run's figures and exports.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("start", "appointment_id")
        constraints = (
            models.UniqueConstraint(
                fields=("region", "idempotency_key", "session_id"),
                condition=Q(state="written"),
                name="a_session_is_recorded_once",
            ),
        )
        indexes = (
            models.Index(fields=("run", "state"), name="write_run_state"),
            models.Index(fields=("region", "state"), name="write_region_state"),
        )

    def __str__(self) -> str:
        return f"service write {self.pk}"

    @property
    def came_of_it(self) -> str:
        """The outcome, where it was written or would be; empty while nobody knows, and where it was not."""
        return self.outcome if self.state in (WriteState.WRITTEN, WriteState.PREVIEWED) else ""


class RecoveryWindow(models.Model):
    """What one window of a chain came to: scanned = Σ outcomes here as well."""

    chain = models.UUIDField(editable=False)
    number = models.PositiveIntegerField(editable=False)
    begins = models.DateTimeField(editable=False)
    ends = models.DateTimeField(editable=False)
    scanned = models.PositiveIntegerField(default=0, editable=False)
    outcomes = models.JSONField(default=dict, editable=False)
    services = models.PositiveIntegerField(default=0, editable=False)
    value = models.DecimalField(max_digits=15, decimal_places=2, default=0, editable=False)
    complete = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("chain", "number"), name="one_row_per_chain_and_window"),)

    def __str__(self) -> str:
        return f"window {self.number}"


class UnsupportedService(models.Model):
    """A billed service that no rule and no activity supports: listed for finance, never cancelled by the program."""

    class Reason(models.TextChoices):
        NO_RULE = "no_rule", "no rule of the type bills this block"
        NOT_PERFORMED = "not_performed", "its activity was not performed"
        VISIT_NOT_FINISHED = "visit_not_finished", "the visit was cancelled or missed"

    region = models.ForeignKey(Region, models.PROTECT, related_name="unsupported_services", editable=False)
    appointment_id = models.CharField(max_length=120, editable=False)
    start = models.DateTimeField(editable=False)
    session_id = models.CharField(max_length=120, editable=False)
    block_code = models.CharField(max_length=60, editable=False)
    quantity = models.PositiveIntegerField(editable=False)
    reason = models.CharField(max_length=20, choices=Reason.choices, editable=False)
    run = models.ForeignKey(Run, models.PROTECT, related_name="+", editable=False)
    closed = models.BooleanField(default=False, editable=False, help_text="A later run no longer found it.")
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-start", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("region", "session_id", "block_code"), name="one_row_per_session_and_block"
            ),
        )
        indexes = (models.Index(fields=("region", "closed", "-start"), name="unsupported_region"),)

    def __str__(self) -> str:
        return f"unsupported service {self.pk}"
