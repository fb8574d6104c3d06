"""Reports as they were made: what they are about, and their bytes, encrypted."""

import uuid
from collections.abc import Iterator

from django.conf import settings
from django.db import models
from django.utils import timezone

from backoffice.fields import EncryptedTextField
from backoffice.runs.models import Run
from regions.models import Region

PART_BYTES = 1 << 20


class Report(models.Model):
    """One file, never changed once stored. `begins` (included) and `ends` (not included) are days of the region."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    run = models.ForeignKey(Run, models.PROTECT, related_name="+", editable=False)
    kind = models.CharField(max_length=20, editable=False)
    format = models.CharField(max_length=3, editable=False)
    begins = models.DateField("from", editable=False)
    ends = models.DateField("to", editable=False, help_text="Not included.")
    rows = models.PositiveIntegerField(editable=False)
    size = models.PositiveBigIntegerField(editable=False, help_text="Bytes.")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("region", "created_at"), name="report_age"),)

    def __str__(self) -> str:
        return f"report {self.pk}"

    @property
    def name(self) -> str:
        """Of the file that is downloaded."""
        return f"{self.kind}-{self.begins}-{self.ends}-{self.pk}.{self.format}"

    def content(self) -> Iterator[bytes]:
        for part in ReportPart.objects.filter(report=self).order_by("number").iterator(chunk_size=1):
            yield part.content.encode("latin-1")


class ReportPart(models.Model):
    """At most PART_BYTES of a report's bytes, read as Latin-1; `number` counts from 0."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="parts", editable=False)
    number = models.PositiveIntegerField(editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    content = EncryptedTextField(identity="row_id")

    class Meta:
        ordering = ("report", "number")
        constraints = (models.UniqueConstraint(fields=("report", "number"), name="one_report_part"),)
