"""What the nightly pipeline keeps: staged claims and reference tables, nights, their outputs, and the accumulators.

The record of the pipeline is the claim line; its key is (claim_id, line_number). Money is integer cents in what a night
computes and Decimal at the edges: reference tables that people read and edit. The bulk tables (PricedClaim,
AdjudicatedClaim, BeforeImage) are written by the million; their integer keys carry night, partition and position
(claims/pipeline/numbers.py), and nothing else is indexed while they grow.
"""

from decimal import Decimal

from django.db import models
from django.utils import timezone

from regions.models import Region

CENT = Decimal("0.01")


class Money(models.DecimalField):  # type: ignore[type-arg]
    """Decimal(15,2), as the edges have it."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"max_digits": 15, "decimal_places": 2, **options})  # type: ignore[arg-type]


class StagedBatch(models.Model):
    """One load of claim lines. It belongs to the first night that extracts it, and is stamped with its run date."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    source = models.CharField(max_length=200, editable=False, help_text="Where the lines came from.")
    lines = models.PositiveBigIntegerField(default=0, editable=False)
    run_date = models.DateField(null=True, editable=False, help_text="The night it belongs to; empty while it waits.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "staged batches"
        indexes = (models.Index(fields=("region", "run_date"), name="staged_batch_night"),)

    def __str__(self) -> str:
        return f"batch {self.pk}"


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
        indexes = (models.Index(fields=("batch", "claim_id", "line_number"), name="staged_line_key"),)

    def __str__(self) -> str:
        return f"{self.claim_id} line {self.line_number}"


class Provider(models.Model):
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    npi = models.CharField("NPI", max_length=20, editable=False)
    name = models.CharField(max_length=200)
    contract_id = models.CharField("contract", max_length=40)
    active_from = models.DateField()
    active_to = models.DateField("active to (included)", null=True, blank=True)

    class Meta:
        ordering = ("npi",)
        constraints = (models.UniqueConstraint(fields=("region", "npi"), name="one_provider"),)

    def __str__(self) -> str:
        return f"{self.npi} {self.name}"


class ProcedureCode(models.Model):
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    procedure_code = models.CharField(max_length=40, editable=False)
    description = models.CharField(max_length=300, blank=True)
    category = models.CharField(max_length=20)
    valid_from = models.DateField()
    valid_to = models.DateField("valid to (included)", null=True, blank=True)

    class Meta:
        ordering = ("procedure_code",)
        constraints = (models.UniqueConstraint(fields=("region", "procedure_code"), name="one_procedure_code"),)

    def __str__(self) -> str:
        return f"{self.procedure_code} {self.description}"


class Plan(models.Model):
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    plan_id = models.CharField("plan", max_length=20, editable=False)
    deductible = Money()
    out_of_pocket_max = Money(verbose_name="out-of-pocket maximum")
    coinsurance_percent = models.DecimalField(max_digits=5, decimal_places=2)

    class Meta:
        ordering = ("plan_id",)
        constraints = (models.UniqueConstraint(fields=("region", "plan_id"), name="one_plan"),)

    def __str__(self) -> str:
        return self.plan_id


class PlanBenefit(models.Model):
    """What a plan pays for one category of procedures. A category that it does not list is not covered."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    plan_id = models.CharField("plan", max_length=20, editable=False)
    category = models.CharField(max_length=20, editable=False)
    covered = models.BooleanField()
    copay = Money()
    copay_only = models.BooleanField(help_text="Neither deductible nor coinsurance applies.")
    visit_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Paid lines a benefit year; empty: no limit."
    )

    class Meta:
        ordering = ("plan_id", "category")
        constraints = (models.UniqueConstraint(fields=("region", "plan_id", "category"), name="one_plan_benefit"),)

    def __str__(self) -> str:
        return f"{self.plan_id} {self.category}"


class MemberBenefit(models.Model):
    """A member's coverage by one plan for a span of days."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    member_id = models.CharField("member", max_length=40, editable=False)
    plan_id = models.CharField("plan", max_length=20)
    coverage_from = models.DateField(editable=False)
    coverage_to = models.DateField("coverage to (included)", null=True, blank=True)

    class Meta:
        ordering = ("member_id", "coverage_from")
        constraints = (
            models.UniqueConstraint(fields=("region", "member_id", "coverage_from"), name="one_member_benefit"),
        )

    def __str__(self) -> str:
        return f"{self.plan_id} from {self.coverage_from}"


class Fee(models.Model):
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    fee_schedule_id = models.CharField("fee schedule", max_length=40, editable=False)
    procedure_code = models.CharField(max_length=40, editable=False)
    fee = Money()

    class Meta:
        ordering = ("fee_schedule_id", "procedure_code")
        constraints = (models.UniqueConstraint(fields=("region", "fee_schedule_id", "procedure_code"), name="one_fee"),)

    def __str__(self) -> str:
        return f"{self.fee_schedule_id} {self.procedure_code}"


class ContractTerms(models.Model):
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    contract_id = models.CharField("contract", max_length=40, editable=False)
    fee_schedule_id = models.CharField("fee schedule", max_length=40)
    multiplier_percent = models.DecimalField(max_digits=7, decimal_places=2)
    percent_of_charge = models.DecimalField(max_digits=5, decimal_places=2)

    class Meta:
        ordering = ("contract_id",)
        verbose_name_plural = "contract terms"
        constraints = (models.UniqueConstraint(fields=("region", "contract_id"), name="one_contract"),)

    def __str__(self) -> str:
        return self.contract_id


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


class BeforeImage(models.Model):
    """One member, benefit year and checkpoint: the accumulators before their first and after their last change in it.

    The key is (night, partition, sequence) in one number; undo runs in strict reverse order of it [S2-18] [X-11].
    Written ahead, in a transaction of its own, before the accumulators are touched [X-10]. `before` is null where the
    member had no row for the year. `first` and `last` number the member's lines in this checkpoint.
    """

    id = models.BigIntegerField(primary_key=True, editable=False)
    member_id = models.TextField(editable=False)
    benefit_year = models.SmallIntegerField(editable=False)
    checkpoint_number = models.IntegerField(editable=False)
    before = models.TextField(null=True, editable=False)  # noqa: DJ001 (no row is not an empty one)
    after = models.TextField(editable=False)
    first = models.BigIntegerField(editable=False)
    last = models.BigIntegerField(editable=False)

    class Meta:
        indexes = (models.Index(fields=("member_id",), name="before_image_member"),)

    def __str__(self) -> str:
        return f"image {self.pk}"


class Restoration(models.Model):
    """Accumulators that a restart or an undo has put back to `checkpoint`, 0 being the start of the night. To put back
    twice is to put back once; a restart that was killed has its row as well."""

    night = models.ForeignKey(Night, models.CASCADE, related_name="restorations", editable=False)
    partition = models.PositiveIntegerField(editable=False)
    checkpoint = models.PositiveIntegerField(editable=False)
    images = models.PositiveIntegerField(editable=False)
    members = models.PositiveIntegerField(editable=False, help_text="Members' benefit years among the images.")
    seconds = models.FloatField(editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"restoration {self.pk}"


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


class Accumulator(models.Model):
    """A member's year to date, in cents and visits: {"deductible_met": …, "out_of_pocket_met": …, "visits:OFFICE": …}.

    Lives in settings.ACCUMULATORS_DATABASE, which may be another database than the rest.
    """

    region_id = models.BigIntegerField(editable=False)
    member_id = models.TextField(editable=False)
    benefit_year = models.SmallIntegerField(editable=False)
    fields = models.TextField(editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("region_id", "member_id", "benefit_year"), name="one_accumulator"),
        )

    def __str__(self) -> str:
        return f"accumulator {self.pk}"


class AccumulatorFence(models.Model):
    """The fence of a step's part, in the database of the accumulators: an older worker changes nothing there."""

    part = models.BigIntegerField(primary_key=True, editable=False)
    fence = models.PositiveIntegerField(editable=False)

    def __str__(self) -> str:
        return f"fence {self.fence} of part {self.part}"
