"""What a run of the lab has found so far: the rows of its report, which is put together from them."""

from django.db import models


class LabRow(models.Model):
    """`row`: as backoffice.lab.report has it. Every claim is made up; nothing here is of a region or a patient."""

    class Kind(models.TextChoices):
        HEAD = "head"
        NIGHT = "night"
        CASE = "case"

    chain = models.UUIDField(editable=False, help_text="Of the run that found it.")
    kind = models.CharField(max_length=5, choices=Kind.choices, editable=False)
    number = models.PositiveIntegerField(editable=False)
    row = models.JSONField(editable=False)

    class Meta:
        ordering = ("chain", "kind", "number")
        constraints = (models.UniqueConstraint(fields=("chain", "kind", "number"), name="one_lab_row"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of {self.chain}"
