"""What came from outside, word for word and encrypted, and what of it belongs to nothing that is known here."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from backoffice.fields import EncryptedTextField


class Channel(models.TextChoices):
    LIS = "lis", "laboratory"
    POS = "pos", "point of sale"


class Inbound(models.Model):
    """One message. Its id is the sender's, and unique: a message that comes again changes nothing.

    `body` is what was sent, encrypted: a laboratory's message is full of a patient's data. `digest`: its SHA-256.
    """

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    region = models.ForeignKey("regions.Region", models.PROTECT, related_name="+", editable=False)
    channel = models.CharField(max_length=3, choices=Channel.choices, editable=False)
    protocol = models.CharField(max_length=10, editable=False, help_text="webhook or mllp.")
    message_id = models.CharField(max_length=200, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    body = EncryptedTextField(identity="row_id")
    received_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name = "inbound message"
        indexes = (models.Index(fields=("region", "channel", "id"), name="inbound_by_region"),)
        constraints = (
            models.UniqueConstraint(
                fields=("region", "channel", "protocol", "message_id"), name="one_inbound_row_per_message"
            ),
        )

    def __str__(self) -> str:
        return f"inbound message {self.pk}"


class Unmatched(models.Model):
    """An event from outside that belongs to nothing known here, kept until it does or a person dismisses it."""

    class State(models.TextChoices):
        OPEN = "open"
        MATCHED = "matched"
        DISMISSED = "dismissed"

    region = models.ForeignKey("regions.Region", models.PROTECT, related_name="+", editable=False)
    event = models.OneToOneField("events.Outbox", models.PROTECT, related_name="unmatched", editable=False)
    channel = models.CharField(max_length=3, choices=Channel.choices, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN, editable=False)
    matched = models.CharField(max_length=200, blank=True, editable=False, help_text="What it belongs to after all.")
    reason = models.CharField(max_length=200, blank=True, editable=False, help_text="Why it was dismissed.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    tried_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    decided_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "unmatched"
        indexes = (
            models.Index(fields=("state", "tried_at"), name="unmatched_to_try"),
            models.Index(fields=("region", "state", "id"), name="unmatched_by_region"),
        )

    def __str__(self) -> str:
        return f"unmatched event {self.event_id}"
