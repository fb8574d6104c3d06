"""The 835s of a night, as documents that stay."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from regions.models import Region


class RemittanceDocument(models.Model):
    """One 835: a payment of a night to one provider, on behalf of one payer, to who sent the claims. Amounts in cents.

    Its file (claims/pipeline/documents.py) never changes. A document of a night that is undone or begun again is void:
    it stays, with its number and trace, which no other gets. `sender` and `receiver`: ISA06 and ISA08. `claims` to
    `paid` are of the night's lines; the reversals before them are of the documents that name this one in `reversed_in`.
    `carried`: what that leaves below zero, which is taken from the payment in `carried_in` (PLB FB).
    """

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    run_date = models.DateField("night", editable=False)
    provider_npi = models.CharField("provider", max_length=20, editable=False)
    payer_id = models.CharField("payer", max_length=80, editable=False)
    sender = models.CharField(max_length=15, editable=False)
    receiver = models.CharField(max_length=15, editable=False)
    usage = models.CharField(max_length=1, editable=False)
    number = models.PositiveBigIntegerField("ISA13", editable=False)
    originator = models.CharField("TRN03", max_length=10, editable=False)
    trace = models.CharField("TRN02", max_length=50, editable=False)
    name = models.CharField(max_length=300, editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, editable=False)
    size = models.PositiveBigIntegerField(editable=False)
    claims = models.PositiveIntegerField(editable=False)
    lines = models.PositiveIntegerField(editable=False)
    billed = models.BigIntegerField(editable=False)
    paid = models.BigIntegerField(editable=False)
    carried = models.BigIntegerField(default=0, editable=False)
    carried_in = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", editable=False)
    reversed_in = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", editable=False)
    handed_out_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was first exported or downloaded: it counts as sent from then on."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    voided_at = models.DateTimeField(null=True, editable=False, help_text="When its night was undone.")

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("originator", "trace"), name="one_trace"),
            models.UniqueConstraint(
                fields=("region", "run_date", "provider_npi", "payer_id", "sender", "receiver", "usage"),
                condition=Q(voided_at=None),
                name="one_document_that_stands",
            ),
        )

    def __str__(self) -> str:
        return f"835 {self.trace}"
