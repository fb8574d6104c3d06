"""What came as 837P: how a staged claim leads back to who sent it, so that its 835 can be written."""

import uuid

from django.db import models
from django.utils import timezone

from backoffice.fields import EncryptedJSONField
from claims.models.staging import StagedBatch
from regions.models import Region


class ControlNumber(models.Model):
    """The last number given out under a name; given out in the transaction that stores what bears it, and never again.

    Names: "claims REGION", "835 SENDER RECEIVER USAGE" and "837 RECEIVER USAGE" (ISA13), "trace ORIGINATOR" (TRN02).
    """

    name = models.CharField(max_length=120, unique=True, editable=False)
    last = models.PositiveBigIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return self.name


class ReceivedSet(models.Model):
    """One ST of a file that was staged, with the envelope that it came in: an 835 goes back the way it came."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    batch = models.ForeignKey(StagedBatch, models.CASCADE, related_name="received", editable=False)
    file = models.CharField(max_length=200, editable=False)
    sha256 = models.CharField("SHA-256 of the file", max_length=64, editable=False)
    sender_qualifier = models.CharField(max_length=2, editable=False)
    sender = models.CharField(max_length=15, editable=False)
    receiver_qualifier = models.CharField(max_length=2, editable=False)
    receiver = models.CharField(max_length=15, editable=False)
    group_sender = models.CharField(max_length=15, editable=False)
    group_receiver = models.CharField(max_length=15, editable=False)
    interchange = models.CharField("ISA13", max_length=15, editable=False)
    group = models.CharField("GS06", max_length=15, editable=False)
    number = models.CharField("ST02", max_length=15, editable=False)
    usage = models.CharField("ISA15", max_length=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("region", "sha256"), name="received_file"),)

    def __str__(self) -> str:
        return f"received set {self.pk}"


class ReceivedClaim(models.Model):
    """A staged claim as its sender knows it. `claim_id`: ours, which the sender gets as CLP07.

    `document`: {"patient": [last, first, middle, suffix], "insured": the same, or null where that is the patient,
    "member_id", "lines": [[REF 6R, procedure, modifiers, units, first day, last day], …] by line number from 1}.
    """

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    received = models.ForeignKey(ReceivedSet, models.CASCADE, related_name="claims", editable=False)
    claim_id = models.CharField(max_length=40, editable=False)
    sender = models.CharField(max_length=15, editable=False)
    account = models.CharField("CLM01", max_length=38, editable=False)
    payer_id = models.CharField("payer", max_length=80, editable=False)
    tax_id = models.CharField("provider's tax id", max_length=50, editable=False)
    filing = models.CharField("SBR09", max_length=2, editable=False)
    place = models.CharField("place of service", max_length=2, editable=False)
    frequency = models.CharField(max_length=1, editable=False)
    document = EncryptedJSONField(identity="row_id", default=dict)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("region", "claim_id"), name="one_received_claim"),
            models.UniqueConstraint(fields=("region", "sender", "account"), name="one_claim_of_a_sender"),
        )

    def __str__(self) -> str:
        return f"received claim {self.pk}"
