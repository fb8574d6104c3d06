"""Who has what when: appointments, holds, and the cells of time that each of them takes."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from backoffice.fields import EncryptedTextField
from clinic.booking.models.resources import AppointmentType, Resource
from clinic.booking.states import State
from clinic.patients.models import Patient
from regions.models import ApiToken, Region


class Appointment(models.Model):
    """A visit. Its state moves only in clinic/booking/moving.py; `version` counts its changes, and guards them.

    `begins` and `ends` are the visit without its buffers. `external_id`: the hospital's appointment id, may be empty.
    """

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="appointments", editable=False)
    type = models.ForeignKey(AppointmentType, models.PROTECT, related_name="+", editable=False)
    resources = models.ManyToManyField(Resource, related_name="appointments", editable=False)
    external_id = models.CharField("hospital's appointment", max_length=120, blank=True, editable=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.BOOKED, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    begins = models.DateTimeField(editable=False)
    ends = models.DateTimeField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("region", "external_id"), condition=~Q(external_id=""), name="one_appointment_of_a_hospitals_id"
            ),
            models.CheckConstraint(condition=Q(ends__gt=F("begins")), name="appointment_ends_after_begin"),
        )
        indexes = (
            models.Index(fields=("region", "begins"), name="appointment_begins"),
            models.Index(fields=("region", "state", "begins"), name="appointment_state"),
            models.Index(fields=("patient", "begins"), name="appointment_patient"),
        )

    def __str__(self) -> str:
        return f"appointment {self.pk}"


class Move(models.Model):
    """One change of an appointment: added to, never changed. `begins`: where it stood afterwards.

    `by`: the user in whose name it was made; `through`: api, portal, admin, or the name of a job. `why` may say
    something of the patient and is encrypted.
    """

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="moves", editable=False)
    version = models.PositiveIntegerField(editable=False)
    before = models.CharField(max_length=16, choices=State.choices, blank=True, editable=False)
    after = models.CharField(max_length=16, choices=State.choices, editable=False)
    begins = models.DateTimeField(editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False)
    through = models.CharField(max_length=40, editable=False)
    why = EncryptedTextField(identity="row_id", default="")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("version",)
        constraints = (models.UniqueConstraint(fields=("appointment", "version"), name="one_move_of_a_version"),)

    def __str__(self) -> str:
        return f"move {self.pk}"


class Hold(models.Model):
    """Time kept for a patient until `expires_at`. Only an open hold has cells; confirmed, it is an appointment."""

    class State(models.TextChoices):
        OPEN = "open"
        CONFIRMED = "confirmed"
        RELEASED = "released"
        EXPIRED = "expired"

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", editable=False)
    type = models.ForeignKey(AppointmentType, models.PROTECT, related_name="+", editable=False)
    resources = models.ManyToManyField(Resource, related_name="holds", editable=False)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN, editable=False)
    begins = models.DateTimeField(editable=False)
    ends = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    appointment = models.OneToOneField(Appointment, models.PROTECT, null=True, related_name="hold", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (models.CheckConstraint(condition=Q(ends__gt=F("begins")), name="hold_ends_after_begin"),)
        indexes = (models.Index(fields=("region", "expires_at"), condition=Q(state="open"), name="hold_open_until"),)

    def __str__(self) -> str:
        return f"hold {self.pk}"


class Cell(models.Model):
    """Five minutes of a resource, taken. The database's promise that nobody is booked twice is its unique constraint.

    `number`: minutes since 1970 in UTC, divided by CELL_MINUTES.
    """

    resource = models.ForeignKey(Resource, models.PROTECT, related_name="+", editable=False)
    number = models.PositiveIntegerField(editable=False)
    appointment = models.ForeignKey(Appointment, models.CASCADE, null=True, related_name="cells", editable=False)
    hold = models.ForeignKey(Hold, models.CASCADE, null=True, related_name="cells", editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("resource", "number"), name="a_cell_is_taken_once"),
            models.CheckConstraint(
                condition=Q(appointment=None, hold__isnull=False) | Q(appointment__isnull=False, hold=None),
                name="a_cell_is_of_one",
            ),
        )

    def __str__(self) -> str:
        return f"cell {self.pk}"


class WaitlistEntry(models.Model):
    """A patient who waits for a slot from `earliest` to `latest`. The first in line (by id) that fits is offered it.

    offered: `hold` keeps the slot. booked: it was confirmed. lapsed: it expired. withdrawn: the patient left the line,
    or declined the offer.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        OFFERED = "offered"
        BOOKED = "booked"
        LAPSED = "lapsed"
        WITHDRAWN = "withdrawn"

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", editable=False)
    type = models.ForeignKey(AppointmentType, models.PROTECT, related_name="+", editable=False)
    resource = models.ForeignKey(Resource, models.PROTECT, null=True, related_name="+", editable=False)
    earliest = models.DateTimeField(editable=False)
    latest = models.DateTimeField(editable=False)
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING, editable=False)
    hold = models.OneToOneField(Hold, models.PROTECT, null=True, related_name="waited", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "waitlist entries"
        indexes = (models.Index(fields=("region", "id"), condition=Q(state="waiting"), name="waitlist_in_line"),)

    def __str__(self) -> str:
        return f"waitlist entry {self.pk}"


class KeptAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, for the same request to be answered again.

    `digest`: SHA-256 of method, path and body. Only what changed something is kept.
    """

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    token = models.ForeignKey(ApiToken, models.PROTECT, related_name="+", editable=False)
    key = models.CharField(max_length=200, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    status = models.PositiveSmallIntegerField(default=0, editable=False)
    body = EncryptedTextField(identity="row_id", default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("token", "key"), name="a_key_is_used_once"),)
        indexes = (models.Index(fields=("created_at",), name="kept_answer_age"),)

    def __str__(self) -> str:
        return f"kept answer {self.pk}"
