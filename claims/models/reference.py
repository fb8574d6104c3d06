"""The reference tables that people read: money in dollars. load_claims replaces a region's as a whole."""

from django.db import models

from regions.models import Region


class Money(models.DecimalField):  # type: ignore[type-arg]
    """Decimal(15,2), as the edges have it."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"max_digits": 15, "decimal_places": 2, **options})  # type: ignore[arg-type]


class Reference(models.Model):
    """A row of a region's table."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)

    class Meta:
        abstract = True


class Provider(Reference):
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


class ProcedureCode(Reference):
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


class Plan(Reference):
    plan_id = models.CharField("plan", max_length=20, editable=False)
    deductible = Money()
    out_of_pocket_max = Money(verbose_name="out-of-pocket maximum")
    coinsurance_percent = models.DecimalField(max_digits=5, decimal_places=2)

    class Meta:
        ordering = ("plan_id",)
        constraints = (models.UniqueConstraint(fields=("region", "plan_id"), name="one_plan"),)

    def __str__(self) -> str:
        return self.plan_id


class PlanBenefit(Reference):
    """What a plan pays for one category of procedures. A category that it does not list is not covered."""

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


class MemberBenefit(Reference):
    """A member's coverage by one plan for a span of days."""

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


class Fee(Reference):
    fee_schedule_id = models.CharField("fee schedule", max_length=40, editable=False)
    procedure_code = models.CharField(max_length=40, editable=False)
    fee = Money()

    class Meta:
        ordering = ("fee_schedule_id", "procedure_code")
        constraints = (models.UniqueConstraint(fields=("region", "fee_schedule_id", "procedure_code"), name="one_fee"),)

    def __str__(self) -> str:
        return f"{self.fee_schedule_id} {self.procedure_code}"


class ContractTerms(Reference):
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


class RemittancePayer(Reference):
    """Who pays a region's claims, as its 835s name him. Claims that came as 837P name their payer themselves."""

    payer_id = models.CharField("payer", max_length=40, editable=False)
    name = models.CharField(max_length=60)
    tax_id = models.CharField("tax id", max_length=9)
    street = models.CharField(max_length=55)
    city = models.CharField(max_length=30)
    state = models.CharField(max_length=2)
    zip_code = models.CharField("ZIP code", max_length=15)
    contact = models.CharField(max_length=60)
    phone = models.CharField(max_length=10)
    for_all = models.BooleanField(help_text="Pays the claims that did not come as 837P as well; at most one does.")

    class Meta:
        ordering = ("payer_id",)
        constraints = (models.UniqueConstraint(fields=("region", "payer_id"), name="one_remittance_payer"),)

    def __str__(self) -> str:
        return f"{self.payer_id} {self.name}"
