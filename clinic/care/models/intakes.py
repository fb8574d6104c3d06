"""Questionnaires as patients have filled them in, and their answers, one row each."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from backoffice.fields import EncryptedJSONField, EncryptedTextField
from clinic.patients.models import Patient
from regions.models import Region


class Intake(models.Model):
    """A FHIR QuestionnaireResponse as it came. `key` names what it is a version of; one version of it stands.

    `digest`: SHA-256 of the document, so that one that comes twice is one row. void: the last version says that it was
    entered in error.
    """

    class State(models.TextChoices):
        RECEIVED = "received"
        CURRENT = "current"
        SUPERSEDED = "superseded"
        VOID = "void", "entered in error"

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="intakes", editable=False)
    key = models.CharField(max_length=64, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    status = models.CharField(max_length=16, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED, editable=False)
    superseded_by = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+", editable=False)
    authored = models.DateTimeField(editable=False)
    document = EncryptedJSONField(identity="row_id", default=dict)
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    dumped_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("patient", "digest"), name="one_intake_of_a_document"),
            models.UniqueConstraint(
                fields=("patient", "key"),
                condition=Q(state__in=("current", "void")),
                name="one_standing_intake_of_a_key",
            ),
        )

    def __str__(self) -> str:
        return f"intake {self.pk}"


class IntakeQuestionnaireDatum(models.Model):
    """One answer: the `number`th of its linkId, as FHIR has it (`kind` is the x of value[x]); `value` is JSON text."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    intake = models.ForeignKey(Intake, models.CASCADE, related_name="data", editable=False)
    link_id = models.CharField(max_length=255, editable=False)
    number = models.PositiveIntegerField(editable=False)
    kind = models.CharField(max_length=20, editable=False)
    value = EncryptedTextField(identity="row_id", default="")

    class Meta:
        ordering = ("id",)
        verbose_name = "answer"
        constraints = (
            models.UniqueConstraint(fields=("intake", "link_id", "number"), name="one_row_per_answer_of_an_intake"),
        )

    def __str__(self) -> str:
        return f"answer {self.pk}"
