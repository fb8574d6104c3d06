"""What the hospital does not give and a claim needs, as load_billing loads it: one row for each key of a region."""

import uuid

from django.db import models

from backoffice.fields import EncryptedJSONField
from claims.edi.claims import Kind
from regions.models import Region


class BillingPatient(models.Model):
    """A member of a payer's plan, as its card says. `details`: member_id, last, first, middle, suffix, sex (F, M,
    U), birth_date (ISO), street, street_2, city, state, zip_code."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient_id = models.CharField("patient reference", max_length=120, editable=False)
    payer_id = models.CharField("payer's id", max_length=80, editable=False)
    details = EncryptedJSONField(identity="row_id", default=dict)

    class Meta:
        ordering = ("patient_id",)
        constraints = (models.UniqueConstraint(fields=("region", "patient_id"), name="one_billing_patient"),)

    def __str__(self) -> str:
        return f"billing patient {self.pk}"


class BillingPayer(models.Model):
    """A payer of the clearinghouse's list: the days to file in, and whether the region is enrolled with it."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    payer_id = models.CharField("payer's id", max_length=80, editable=False)
    name = models.CharField(max_length=120, editable=False)
    filing_days = models.PositiveIntegerField(editable=False)
    enrolled = models.BooleanField(default=True, editable=False)

    class Meta:
        ordering = ("payer_id",)
        constraints = (models.UniqueConstraint(fields=("region", "payer_id"), name="one_billing_payer"),)

    def __str__(self) -> str:
        return self.payer_id


class BillingProvider(models.Model):
    """Who bills what a department did. Without an NPI it is an atypical provider, known by `provider_number`."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    department_id = models.CharField("department", max_length=120, editable=False)
    npi = models.CharField("NPI", max_length=10, blank=True, editable=False)
    tax_id = models.CharField(max_length=9, editable=False)
    taxonomy = models.CharField(max_length=10, blank=True, editable=False)
    name = models.CharField(max_length=120, editable=False)
    street = models.CharField(max_length=120, editable=False)
    street_2 = models.CharField(max_length=120, blank=True, editable=False)
    city = models.CharField(max_length=60, editable=False)
    state = models.CharField(max_length=2, editable=False)
    zip_code = models.CharField(max_length=9, editable=False)
    phone = models.CharField(max_length=10, blank=True, editable=False)
    provider_number = models.CharField(max_length=50, blank=True, editable=False)

    class Meta:
        ordering = ("department_id",)
        constraints = (models.UniqueConstraint(fields=("region", "department_id"), name="one_billing_provider"),)

    def __str__(self) -> str:
        return f"billing provider {self.pk}"


class Charge(models.Model):
    """The charge master: what a block of the hospital is billed as. `modifiers`: joined by blanks."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    block_code = models.CharField(max_length=60, editable=False)
    hcpcs = models.CharField("HCPCS", max_length=5, editable=False)
    modifiers = models.CharField(max_length=12, blank=True, editable=False)
    place_of_service = models.CharField(max_length=2, editable=False)
    kind = models.CharField(max_length=6, choices=[(kind.value, kind.value) for kind in Kind], editable=False)

    class Meta:
        ordering = ("block_code",)
        constraints = (models.UniqueConstraint(fields=("region", "block_code"), name="one_charge"),)

    def __str__(self) -> str:
        return self.block_code


class CaseDiagnosis(models.Model):
    """A diagnosis of a case, `position` 1 the principal one; ICD-10-CM without the point."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    case_id = models.CharField(max_length=120, editable=False)
    position = models.PositiveSmallIntegerField(editable=False)
    icd10 = models.CharField("ICD-10-CM", max_length=7, editable=False)

    class Meta:
        ordering = ("case_id", "position")
        constraints = (models.UniqueConstraint(fields=("region", "case_id", "position"), name="one_diagnosis"),)

    def __str__(self) -> str:
        return f"diagnosis {self.pk}"
