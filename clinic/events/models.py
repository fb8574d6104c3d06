"""Events that happened here, who has handled them, and what consumers have failed at.

The outbox is the truth: streams only carry its row numbers, and may be lost and filled again.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from backoffice.telemetry.kept import traceparent_field
from clinic.events.inbound.models import Inbound as Inbound
from clinic.events.inbound.models import Unmatched as Unmatched


class Subject(models.Model):
    """What events are about, and the number of its last one: who records the next one holds the row till commit."""

    region = models.ForeignKey("regions.Region", models.PROTECT, related_name="+", editable=False)
    name = models.CharField(max_length=200, editable=False)
    last = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("region", "name"), name="one_subject_per_region_and_name"),)


class Outbox(models.Model):
    """One event. `data` holds ids, instants and codes, never anything of a patient; `sequence` counts per subject."""

    event_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    region = models.ForeignKey("regions.Region", models.PROTECT, related_name="+", editable=False)
    type = models.CharField(max_length=100, editable=False)
    subject = models.CharField(max_length=200, editable=False)
    sequence = models.PositiveBigIntegerField(editable=False)
    data = models.JSONField(default=dict, editable=False)
    trace = models.CharField(max_length=32, editable=False, help_text="The correlation id of what recorded it.")
    traceparent = traceparent_field()
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    stream_id = models.CharField(max_length=40, blank=True, editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name = "event"
        indexes = (models.Index(fields=("id",), condition=Q(published_at=None), name="outbox_unpublished"),)
        constraints = (
            models.UniqueConstraint(fields=("region", "subject", "sequence"), name="one_event_per_subject_and_number"),
        )

    def __str__(self) -> str:
        return f"event {self.pk} {self.type}"

    def followers(self) -> "models.QuerySet[Outbox]":
        """The later events of its subject."""
        return Outbox.objects.filter(region=self.region_id, subject=self.subject, sequence__gt=self.sequence)


class Inbox(models.Model):
    """A consumer is done with an event: committed with the effect, so that a redelivery has none.

    `dead`: done with for now, without an effect; a replay takes the row away.
    """

    consumer = models.CharField(max_length=60, editable=False)
    event = models.ForeignKey(Outbox, models.CASCADE, related_name="inbox", editable=False)
    dead = models.BooleanField(default=False, editable=False)
    handled_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "inbox"
        constraints = (models.UniqueConstraint(fields=("consumer", "event"), name="one_inbox_row_per_event"),)


class ConsumerState(models.Model):
    """Where a consumer began: it owes nothing for events up to `since`. `settled` is how far it owes nothing more.

    `off`: it was when it was last looked at, and begins anew when it is on again.
    """

    name = models.CharField(max_length=60, unique=True, editable=False)
    since = models.PositiveBigIntegerField(default=0, editable=False)
    settled = models.PositiveBigIntegerField(default=0, editable=False)
    off = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class DeadLetter(models.Model):
    """What a consumer has failed at: tried again by itself, dead after so many tries, replayed by a person.

    `error` is the exception's class, `reason` a coded word or the place in the program; neither is a patient's.
    """

    class State(models.TextChoices):
        RETRYING = "retrying"
        DEAD = "dead"
        REPLAYED = "replayed", "being replayed"
        HANDLED = "handled"
        DISMISSED = "dismissed"

    region = models.ForeignKey("regions.Region", models.PROTECT, related_name="+", editable=False)
    event = models.ForeignKey(Outbox, models.CASCADE, related_name="letters", editable=False)
    consumer = models.CharField(max_length=60, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RETRYING, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.CharField(max_length=100, editable=False)
    reason = models.CharField(max_length=200, blank=True, editable=False)
    retry_at = models.DateTimeField(default=timezone.now, editable=False)
    failed_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    decided_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("consumer", "state", "retry_at"), name="letters_by_consumer"),
            models.Index(fields=("region", "state", "id"), name="letters_by_region"),
        )
        constraints = (models.UniqueConstraint(fields=("consumer", "event"), name="one_letter_per_event"),)

    def __str__(self) -> str:
        return f"dead letter {self.pk}"
