"""Claim lines as they were delivered, until a night takes them."""

from datetime import date

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from regions.models import Region


class StagedBatch(models.Model):
    """One load of claim lines. It belongs to the first night that extracts it, and is stamped with its run date; a
    night before `not_before` leaves it."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    source = models.CharField(max_length=200, editable=False, help_text="Where the lines came from.")
    lines = models.PositiveBigIntegerField(default=0, editable=False)
    run_date = models.DateField(null=True, editable=False, help_text="The night it belongs to; empty while it waits.")
    rejects_of = models.DateField(
        null=True, editable=False, help_text="The night whose rejects these are, staged again."
    )
    not_before = models.DateField(null=True, editable=False, help_text="The first night that may take it.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "staged batches"
        indexes = (models.Index(fields=("region", "run_date"), name="staged_batch_night"),)

    def __str__(self) -> str:
        return f"batch {self.pk}"

    @classmethod
    def waiting_for(cls, region: Region, run_date: date | None) -> QuerySet["StagedBatch"]:
        """What the night of that date would take; without one, all that waits."""
        waiting = cls.objects.filter(region=region, run_date=None)
        return waiting.filter(Q(not_before=None) | Q(not_before__lte=run_date)) if run_date else waiting


class StagedLine(models.Model):
    """A claim line as it was delivered, as text: what is wrong with it is for the validation to say (R01-R07).

    `member_hash` is the CRC-32 of the member id, by which nights are partitioned.
    """

    batch = models.ForeignKey(
        StagedBatch, models.CASCADE, related_name="+", db_constraint=False, db_index=False, editable=False
    )
    claim_id = models.CharField(max_length=40, editable=False)
    line_number = models.PositiveIntegerField(editable=False)
    member_id = models.CharField(max_length=40, blank=True, editable=False)
    provider_npi = models.CharField(max_length=20, blank=True, editable=False)
    service_date = models.CharField(max_length=20, blank=True, editable=False)
    received_date = models.CharField(max_length=20, blank=True, editable=False)
    procedure_code = models.CharField(max_length=40, blank=True, editable=False)
    units = models.CharField(max_length=20, blank=True, editable=False)
    billed = models.CharField(max_length=20, blank=True, editable=False)
    member_hash = models.BigIntegerField(editable=False)

    class Meta:
        indexes = (
            models.Index(fields=("batch", "claim_id", "line_number"), name="staged_line_key"),
            # In which the first step reads them. They are laid down in it as well, so that it reads from front to back.
            models.Index(
                fields=("batch", "member_id", "service_date", "claim_id", "line_number"), name="staged_line_order"
            ),
        )

    def __str__(self) -> str:
        return f"{self.claim_id} line {self.line_number}"
