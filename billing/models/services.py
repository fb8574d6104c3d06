"""What claims are made of beside recovered services, and what no claim can be made of yet."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from backoffice.runs.models import Run
from clinic.models import ServiceWrite
from regions.models import Region


class LoadedService(models.Model):
    """A service that was billed elsewhere, as load_billing's services.csv names it. Claimed, it never changes."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    service_id = models.CharField("service", max_length=120, editable=False)
    patient_id = models.CharField("patient reference", max_length=120, editable=False)
    department_id = models.CharField("department", max_length=120, editable=False)
    case_id = models.CharField(max_length=120, editable=False)
    day = models.DateField(editable=False)
    block_code = models.CharField(max_length=60, editable=False)
    quantity = models.PositiveIntegerField(editable=False)
    price = models.DecimalField(max_digits=15, decimal_places=2, editable=False, help_text="Of one.")
    value = models.DecimalField(max_digits=15, decimal_places=2, editable=False, help_text="price · quantity.")

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("region", "service_id"), name="one_loaded_service"),)

    def __str__(self) -> str:
        return f"loaded service {self.pk}"


class Unclaimable(models.Model):
    """A visit's recovered services, or a loaded one, that lack something: held back as a whole, so that a visit goes
    out in one piece. One row for each; closed by the run that makes its claim, and never deleted.

    `missing`: [[what, key], …]; what: patient, patient.FIELD, payer, provider, charge, diagnosis; key: the patient's
    reference, the payer's id, the department, the block, the case. `lacks`: each what once, joined by ";".
    """

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    write = models.ForeignKey(ServiceWrite, models.PROTECT, null=True, related_name="+", editable=False)
    loaded = models.ForeignKey(LoadedService, models.PROTECT, null=True, related_name="+", editable=False)
    appointment_id = models.CharField(max_length=120, blank=True, editable=False)
    day = models.DateField(editable=False)
    missing = models.JSONField(default=list, editable=False)
    lacks = models.CharField(max_length=200, editable=False)
    at_stake = models.DecimalField("money at stake", max_digits=15, decimal_places=2, editable=False)
    run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="+", editable=False)
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-at_stake", "-id")
        constraints = (
            models.UniqueConstraint(fields=("write",), name="a_write_is_unclaimable_once"),
            models.UniqueConstraint(fields=("loaded",), name="a_loaded_service_is_unclaimable_once"),
            models.CheckConstraint(
                condition=Q(write=None, loaded__isnull=False) | Q(write__isnull=False, loaded=None),
                name="unclaimable_is_of_one_source",
            ),
        )
        indexes = (models.Index(fields=("region", "closed_at", "-at_stake"), name="unclaimable_open"),)

    def __str__(self) -> str:
        return f"unclaimable {self.pk}"
