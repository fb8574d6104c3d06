"""Run, its control rows and its failures.

StepState is the pipeline control and StepPart the restart control of every job; there is no second list of statuses.
"""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from backoffice.telemetry.kept import traceparent_field


class RunStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    COMPLETE = "complete"
    FAILED = "failed"
    ERRORED = "errored"
    ABANDONED = "abandoned"


LIVE = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.STOPPING)
RESTARTABLE = (RunStatus.STOPPED, RunStatus.FAILED, RunStatus.ERRORED, RunStatus.ABANDONED)
# Why a run is stopped: somebody asked for it, or something ended the command that waits for it, such as a time limit.
STOPPED_BY_HAND, TERMINATED = "stopped", "terminated"


class StepStatus(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"


class Run(models.Model):
    """One attempt at a job. A restart is a new Run of the same chain that continues the last one.

    `reason` begins as "interrupted" and is cleared as the last line of a complete run: a run that nobody ended
    never looks like a success.
    """

    job = models.CharField(max_length=60, editable=False)
    key = models.CharField(max_length=120, editable=False)
    region = models.ForeignKey("regions.Region", models.PROTECT, null=True, related_name="+", editable=False)
    parameters = models.JSONField(default=dict, editable=False)
    exclusive = models.BooleanField(default=True, editable=False)
    chain = models.UUIDField(default=uuid.uuid4, db_index=True, editable=False)
    attempt = models.PositiveIntegerField(default=1, editable=False)
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED, editable=False)
    reason = models.CharField(max_length=40, default="interrupted", blank=True, editable=False)
    detail = models.CharField(max_length=300, blank=True, editable=False)
    correlation_id = models.CharField(max_length=32, editable=False)
    traceparent = traceparent_field()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    attended = models.BooleanField(
        default=False, editable=False, help_text="Worked by the command that waits for it, without the queue."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("job", "key"),
                condition=Q(exclusive=True, status__in=("queued", "running", "stopping")),
                name="one_live_run_per_job_and_key",
            ),
            models.UniqueConstraint(fields=("chain", "attempt"), name="one_run_per_chain_and_attempt"),
        )
        indexes = (
            models.Index(fields=("region", "-id"), name="run_region"),
            models.Index(fields=("job", "key", "-id"), name="run_job_key"),
            models.Index(fields=("status",), name="run_status"),
        )

    def __str__(self) -> str:
        return f"{self.job} {self.pk}"

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def restartable(self) -> bool:
        return self.status in RESTARTABLE


class StepState(models.Model):
    """The control row of one step of a chain: status, how often it was restarted, what it saw of its predecessors."""

    chain = models.UUIDField(editable=False)
    job = models.CharField(max_length=60, editable=False)
    key = models.CharField(max_length=120, editable=False)
    name = models.CharField(max_length=60, editable=False)
    sequence = models.PositiveSmallIntegerField(editable=False)
    status = models.CharField(max_length=10, choices=StepStatus.choices, default=StepStatus.PENDING, editable=False)
    restart_count = models.PositiveIntegerField(default=0, editable=False)
    predecessors = models.JSONField(
        default=dict, editable=False, help_text="Restart count of each earlier step, as seen at the start."
    )
    remaining = models.PositiveIntegerField(default=1, editable=False, help_text="Parts that are not complete.")
    outputs = models.JSONField(
        default=dict, editable=False, help_text="The control figures that were verified at the end, by output."
    )
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("sequence",)
        constraints = (models.UniqueConstraint(fields=("chain", "name"), name="one_state_per_chain_and_step"),)

    def __str__(self) -> str:
        return f"{self.name} {self.status}"


class StepPart(models.Model):
    """The restart row of one partition of a step, written in the transaction of the work that it vouches for.

    Whoever works it holds `fence`; a commit under an older fence changes nothing and raises. Figures are cumulative
    over the chain. `totals` holds whole numbers, and money as decimal text.
    """

    step = models.ForeignKey(StepState, models.CASCADE, related_name="parts", editable=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="parts", editable=False)
    partition = models.PositiveIntegerField(default=0, editable=False)
    status = models.CharField(max_length=10, choices=StepStatus.choices, default=StepStatus.PENDING, editable=False)
    fence = models.PositiveIntegerField(default=0, editable=False)
    undo = models.BooleanField(
        default=False, editable=False, help_text="What it wrote before is to be undone before it begins anew."
    )
    worker = models.CharField(max_length=120, blank=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, editable=False)
    checkpoint = models.JSONField(null=True, editable=False)
    checkpoint_number = models.PositiveIntegerField(default=0, editable=False)
    read = models.PositiveBigIntegerField(default=0, editable=False)
    outcomes = models.JSONField(default=dict, editable=False)
    totals = models.JSONField(default=dict, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    done = models.FloatField(default=0, editable=False)
    of = models.FloatField(default=0, editable=False)
    label = models.CharField(max_length=120, blank=True, editable=False)
    seconds = models.FloatField(default=0, editable=False, help_text="Seconds worked, over all attempts.")
    commit_seconds = models.FloatField(
        default=0, editable=False, help_text="Of these, those of the checkpoints' commits, but for the last one's."
    )

    class Meta:
        ordering = ("step", "partition")
        constraints = (models.UniqueConstraint(fields=("step", "partition"), name="one_part_per_step_and_partition"),)
        indexes = (models.Index(fields=("status", "heartbeat_at"), name="part_heartbeat"),)

    def __str__(self) -> str:
        return f"part {self.pk} {self.status}"


class Resolution(models.TextChoices):
    OPEN = "open"
    FIXED = "fixed"
    DISMISSED = "dismissed"


class Failure(models.Model):
    """One item that failed in one run. `reference` is the item's id at its source; nothing here names a patient."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="failures", editable=False)
    step = models.CharField(max_length=60, editable=False)
    reference = models.CharField(max_length=120, editable=False)
    category = models.CharField(max_length=40, editable=False)
    reason = models.TextField(editable=False)
    phase = models.CharField(max_length=20, editable=False)
    detail = models.TextField(blank=True, editable=False)
    money_at_stake = models.DecimalField(max_digits=15, decimal_places=2, null=True, editable=False)
    resolution = models.CharField(max_length=10, choices=Resolution.choices, default=Resolution.OPEN, editable=False)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    resolved_at = models.DateTimeField(null=True, editable=False)
    resolved_reason = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Why it was dismissed or reopened, as staff wrote it."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=("run", "category"), name="failure_run_category"),
            models.Index(fields=("reference", "resolution"), name="failure_reference"),
        )

    def __str__(self) -> str:
        return f"failure {self.pk}"


class AlertQuerySet(models.QuerySet["Alert"]):
    def standing(self) -> "AlertQuerySet":
        """Raised and not cleared."""
        return self.filter(cleared_at=None)


class Alert(models.Model):
    """One row per thing that is wrong: raised once, told once each way, cleared by itself when it is right again."""

    kind = models.CharField(max_length=40, editable=False)
    key = models.CharField(max_length=120, editable=False)
    region = models.ForeignKey("regions.Region", models.CASCADE, null=True, related_name="+", editable=False)
    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="+", editable=False)
    message = models.CharField(max_length=300, editable=False)
    raised_at = models.DateTimeField(default=timezone.now, editable=False)
    mailed_at = models.DateTimeField(null=True, editable=False)
    posted_at = models.DateTimeField(null=True, editable=False)
    cleared_at = models.DateTimeField(null=True, editable=False)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ("-raised_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "key"), condition=Q(cleared_at=None), name="one_standing_alert_per_kind_and_key"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


def as_json_totals(totals: dict[str, Any]) -> dict[str, Any]:
    """Totals as they are stored: whole numbers as they are, money as decimal text."""
    return {name: value if isinstance(value, int) else str(value) for name, value in totals.items()}
