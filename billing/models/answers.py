"""Answers that found no claim, and payments."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.models.claims import Claim
from billing.models.documents import Document
from regions.models import Region


class Answer(models.Model):
    """An answer whose key found nothing of ours: for a person, never dropped, never guessed by name (edi.md 6.1).

    `reference`: the key that it gave, as CLM01 or BHT03. `detail`: what it says, without data of a person.
    """

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    document = models.ForeignKey(Document, models.PROTECT, related_name="answers", editable=False)
    kind = models.CharField(max_length=20, editable=False)
    set_number = models.CharField("ST02", max_length=9, blank=True, editable=False)
    segment = models.PositiveIntegerField(default=0, editable=False)
    reference = models.CharField(max_length=80, blank=True, editable=False)
    code = models.CharField(max_length=60, blank=True, editable=False)
    amount = models.DecimalField(max_digits=15, decimal_places=2, null=True, editable=False)
    detail = models.JSONField(default=dict, editable=False)
    claim = models.ForeignKey(Claim, models.PROTECT, null=True, related_name="+", editable=False)
    resolved_at = models.DateTimeField(null=True, editable=False)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    note = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("document", "set_number", "segment", "kind", "reference"), name="an_answer_is_kept_once"
            ),
        )
        indexes = (models.Index(fields=("region", "resolved_at"), name="answer_open"),)

    def __str__(self) -> str:
        return f"answer {self.pk}"


class Payment(models.Model):
    """One ST of an 835. posted: its claims were moved. unmatched: none of its claims is the region's, so that its
    dollars count nowhere; it is posted once one of them is found or linked, or a person says that it is not ours.
    parked: it does not balance, is not whole, or another of its trace was posted; nothing of it was posted,
    `difference` and `faults` say why. repeated: it was posted before. `digest`: billing.reading.payments.Judged.digest,
    empty of those that were stored before there were any."""

    class State(models.TextChoices):
        POSTED = "posted"
        UNMATCHED = "unmatched", "no claim is ours"
        PARKED = "parked"
        REPEATED = "repeated"
        SETTLED = "settled", "settled by a person"

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    document = models.ForeignKey(Document, models.PROTECT, related_name="payments", editable=False)
    place = models.PositiveIntegerField(editable=False, help_text="The set's place in the file, from 1.")
    set_number = models.CharField("ST02", max_length=9, blank=True, editable=False)
    originator = models.CharField(max_length=30, blank=True, editable=False, help_text="TRN03.")
    trace = models.CharField(max_length=50, blank=True, editable=False, help_text="TRN02.")
    payer = models.CharField(max_length=80, blank=True, editable=False)
    payee_id = models.CharField(max_length=80, blank=True, editable=False)
    method = models.CharField(max_length=3, blank=True, editable=False)
    paid_on = models.DateField(null=True, editable=False)
    total = models.DecimalField(max_digits=15, decimal_places=2, editable=False)
    claims = models.PositiveIntegerField("number of claims", default=0, editable=False)
    unmatched = models.PositiveIntegerField(default=0, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False, help_text="Of what it says of its claims.")
    notice = models.BooleanField(default=False, editable=False, help_text="Without money: its trace names no payment.")
    paid = models.DecimalField("Σ claims", max_digits=15, decimal_places=2, default=0, editable=False)
    adjusted = models.DecimalField("Σ PLB", max_digits=15, decimal_places=2, default=0, editable=False)
    adjustments = models.JSONField(default=list, editable=False, help_text="PLB: [[reason, reference, amount], …].")
    state = models.CharField(max_length=9, choices=State.choices, editable=False)
    difference = models.DecimalField(max_digits=15, decimal_places=2, default=0, editable=False)
    faults = models.JSONField(default=list, editable=False)
    unbalanced_claims = models.PositiveIntegerField("claims that do not balance", default=0, editable=False)
    unbalanced = models.JSONField(
        default=list, editable=False, help_text="The first of them, as billing.reading.unbalanced has them."
    )
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    note = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("document", "place"), name="one_payment_of_a_set"),
            models.UniqueConstraint(
                fields=("region", "originator", "trace"),
                condition=Q(state__in=("posted", "unmatched"), notice=False),
                name="a_payment_is_posted_once",
            ),
            models.UniqueConstraint(
                fields=("region", "originator", "trace", "digest"),
                condition=Q(state__in=("posted", "unmatched"), notice=True) & ~Q(trace=""),
                name="a_notice_is_posted_once",
            ),
        )
        indexes = (models.Index(fields=("region", "state"), name="payment_state"),)

    def __str__(self) -> str:
        return f"payment {self.pk}"
