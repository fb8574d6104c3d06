"""The ledger: a row for each message that is due to somebody, and a line for all that became of it."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from backoffice.fields import EncryptedTextField
from clinic.booking.models import Appointment, WaitlistEntry
from clinic.notices.models.people import BedTimeEnrolment
from clinic.patients.models import Patient
from regions.models import Region


class Kind(models.TextChoices):
    CONFIRMATION = "confirmation"
    REMINDER_MORNING = "reminder_morning", "reminder in the morning"
    REMINDER_BEFORE = "reminder_before", "reminder before the visit"
    RESCHEDULE = "reschedule", "another time"
    CANCELLATION = "cancellation"
    MISSED = "missed", "missed visit"
    BEDTIME = "bedtime", "bed time message"
    WAITLIST_OFFER = "waitlist_offer", "offer of the waitlist"


class Channel(models.TextChoices):
    SMS = "sms", "SMS"
    EMAIL = "email", "e-mail"
    PUSH = "push"


class State(models.TextChoices):
    """sending: the intent is committed, the answer is not. maybe_sent: it was never answered."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    MAYBE_SENT = "maybe_sent", "maybe sent"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    NOT_SENT = "not_sent", "not sent"


class Notice(models.Model):
    """One message of one kind by one channel, due at `scheduled_for`. Its state moves only in clinic/notices/moving.py.

    Of an appointment, of an enrolment's `day`, or of who is `waiting`, which is offered a slot once. `begins`: the time
    of the visit that it tells of. Not sent after `useful_until`. `to` and `body` as they were handed over at
    `claimed_at`; `vendor_id` is its name there, where it is dropped if it could not be delivered by `valid_until`.
    `reason` is a word of clinic/notices/words.py.
    """

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", editable=False)
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, related_name="notices", editable=False)
    enrolment = models.ForeignKey(BedTimeEnrolment, models.PROTECT, null=True, related_name="notices", editable=False)
    waiting = models.ForeignKey(WaitlistEntry, models.PROTECT, null=True, related_name="notices", editable=False)
    day = models.DateField(null=True, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices, editable=False)
    channel = models.CharField(max_length=5, choices=Channel.choices, editable=False)
    scheduled_for = models.DateTimeField("due", editable=False)
    begins = models.DateTimeField(null=True, editable=False)
    useful_until = models.DateTimeField(editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED, editable=False)
    reason = models.CharField(max_length=20, blank=True, editable=False)
    code = models.CharField(max_length=40, blank=True, editable=False, help_text="The vendor's own.")
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    try_at = models.DateTimeField(editable=False, help_text="When it is looked at next: to be sent, or looked up.")
    claimed_at = models.DateTimeField(null=True, editable=False)
    valid_until = models.DateTimeField(null=True, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    vendor_id = models.CharField(max_length=200, blank=True, editable=False)
    to = EncryptedTextField(identity="row_id", default="")
    body = EncryptedTextField(identity="row_id", default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name = "notification"
        constraints = (
            models.UniqueConstraint(
                fields=("appointment", "kind", "channel", "scheduled_for"), name="one_notice_of_a_kind_channel_and_time"
            ),
            models.UniqueConstraint(fields=("enrolment", "day"), name="one_bed_time_message_a_day"),
            models.UniqueConstraint(fields=("waiting", "channel"), name="one_notice_of_an_offer_and_channel"),
            models.CheckConstraint(
                condition=Q(appointment__isnull=False, enrolment=None, day=None, waiting=None)
                | Q(appointment=None, enrolment__isnull=False, day__isnull=False, waiting=None)
                | Q(appointment=None, enrolment=None, day=None, waiting__isnull=False),
                name="notice_is_of_one",
            ),
        )
        indexes = (
            models.Index(
                fields=("region", "try_at"), condition=Q(state__in=("planned", "sending", "maybe_sent")),
                name="notice_to_do",
            ),
            models.Index(fields=("region", "state", "id"), name="notice_by_state"),
            models.Index(fields=("patient", "id"), name="notice_by_patient"),
            models.Index(fields=("changed_at",), name="notice_changed"),
            models.Index(fields=("vendor_id",), condition=~Q(vendor_id=""), name="notice_vendor_id"),
        )  # fmt: skip

    def __str__(self) -> str:
        return f"notification {self.pk}"


class NoticeStep(models.Model):
    """One change of a row of the ledger: added to, never changed."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="steps", editable=False)
    state = models.CharField(max_length=10, choices=State.choices, editable=False)
    reason = models.CharField(max_length=20, blank=True, editable=False)
    code = models.CharField(max_length=40, blank=True, editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"step {self.pk}"
