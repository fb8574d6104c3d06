"""A night, how often its steps commit, and what it writes. Money is in cents."""

from django.db import models
from django.utils import timezone

from backoffice.runs.models import Run, RunStatus
from backoffice.runs.undone import is_undone
from regions.models import Region


class StepSetting(models.Model):
    """How often a step commits, and why [S2-09]."""

    step = models.CharField(max_length=20, unique=True, editable=False)
    program = models.CharField(max_length=8, editable=False)
    sequence = models.PositiveSmallIntegerField(editable=False)
    commit_frequency = models.PositiveIntegerField(
        help_text="Claim lines a checkpoint: it falls between claims, at the first line at or past this number."
    )
    rationale = models.TextField(help_text="Why this number: locks, restart time, past failures.")

    class Meta:
        ordering = ("sequence",)

    def __str__(self) -> str:
        return f"{self.step} ({self.program})"


class Night(models.Model):
    """The pipeline of one region and run date: the date at 22:00 in the region's zone, when the window opens."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    run_date = models.DateField(editable=False)
    chain = models.UUIDField(unique=True, editable=False)
    partitions = models.PositiveIntegerField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-run_date", "-id")
        constraints = (models.UniqueConstraint(fields=("region", "run_date"), name="one_night"),)

    def __str__(self) -> str:
        return f"{self.region.name} {self.run_date}"

    @property
    def complete(self) -> bool:
        """Whether its last attempt is: once undone or begun again from a step it is not, whatever it was before."""
        last = self.last_run
        return last is not None and last.status == RunStatus.COMPLETE

    @property
    def undone(self) -> bool:
        """Whether nothing of it stands, as if it had not begun; its lines and its place it has still."""
        last = self.last_run
        return last is not None and is_undone(last)

    @property
    def last_run(self) -> Run | None:
        """Its last attempt."""
        return Run.objects.filter(chain=self.chain).select_related("region").order_by("-attempt").first()


class OutputFile(models.Model):
    """One Parquet file that a checkpoint vouches for. What lies in storage and is not listed here does not count."""

    night = models.ForeignKey(Night, models.CASCADE, related_name="files", editable=False)
    output = models.CharField(max_length=20, editable=False)
    partition = models.PositiveIntegerField(editable=False)
    number = models.PositiveIntegerField(editable=False)
    name = models.CharField(max_length=300, editable=False)
    first = models.BigIntegerField(editable=False, help_text="Number of its first record.")
    last = models.BigIntegerField(editable=False, help_text="Number of its last record.")
    records = models.PositiveIntegerField(editable=False)

    class Meta:
        ordering = ("night", "output", "partition", "number")
        constraints = (
            models.UniqueConstraint(fields=("night", "output", "partition", "number"), name="one_output_file"),
        )

    def __str__(self) -> str:
        return self.name


class PricedClaim(models.Model):
    """A line with its price, in cents. `denial`: the CARC code that enrichment gave it, 0 for none."""

    seq = models.BigIntegerField(primary_key=True, editable=False)
    claim_id = models.TextField(editable=False)
    line_number = models.IntegerField(editable=False)
    member_id = models.TextField(editable=False)
    provider_npi = models.TextField(editable=False)
    service_date = models.DateField(editable=False)
    plan_id = models.TextField(editable=False)
    category = models.TextField(editable=False)
    denial = models.SmallIntegerField(editable=False)
    method = models.SmallIntegerField(editable=False)
    billed = models.BigIntegerField(editable=False)
    allowed = models.BigIntegerField(editable=False)

    def __str__(self) -> str:
        return f"{self.claim_id} line {self.line_number}"


class AdjudicatedClaim(models.Model):
    """A line's last word, in cents: paid, or denied with a CARC code. What it changed in the accumulators is here too:
    deductible_met grew by `deductible`, out_of_pocket_met by all three shares, visits by 1 when it was paid."""

    seq = models.BigIntegerField(primary_key=True, editable=False)
    claim_id = models.TextField(editable=False)
    line_number = models.IntegerField(editable=False)
    member_id = models.TextField(editable=False)
    provider_npi = models.TextField(editable=False)
    service_date = models.DateField(editable=False)
    category = models.TextField(editable=False)
    denial = models.SmallIntegerField(editable=False)
    method = models.SmallIntegerField(editable=False)
    billed = models.BigIntegerField(editable=False)
    allowed = models.BigIntegerField(editable=False)
    copay = models.BigIntegerField(editable=False)
    deductible = models.BigIntegerField(editable=False)
    coinsurance = models.BigIntegerField(editable=False)
    paid = models.BigIntegerField(editable=False)

    def __str__(self) -> str:
        return f"{self.claim_id} line {self.line_number}"


class Remittance(models.Model):
    """What one provider is told and paid for a night, in cents: the header of its lines in the remittance file."""

    night = models.ForeignKey(Night, models.CASCADE, related_name="remittances", editable=False)
    provider_npi = models.CharField("provider", max_length=20, editable=False)
    claims = models.PositiveIntegerField(editable=False)
    lines = models.PositiveIntegerField(editable=False)
    billed = models.BigIntegerField(editable=False)
    paid = models.BigIntegerField(editable=False)

    class Meta:
        ordering = ("night", "provider_npi")
        constraints = (models.UniqueConstraint(fields=("night", "provider_npi"), name="one_remittance"),)

    def __str__(self) -> str:
        return f"remittance {self.provider_npi}"
