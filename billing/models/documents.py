"""Files as they were sent and received, and the batches of claims that were sent in them."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from backoffice.fields import EncryptedTextField
from backoffice.runs.models import Run
from claims.edi.claims import Kind
from regions.models import Region


class Document(models.Model):
    """A file, never changed once stored; its bytes lie in parts, encrypted. Inbound ones are known by sha256 alone.

    unreadable: nothing of it is known; it waits until a person has settled it, with a note. So does a ZIP of which a
    file was not taken (partly).
    `envelopes`: [[ISA13, GS06, ST01, ST02], …], the first 1,000. `findings`: diagnostics of reading, places and codes.
    """

    class Direction(models.TextChoices):
        SENT = "sent"
        RECEIVED = "received"

    class State(models.TextChoices):
        NEW = "new", "not read yet"
        READ = "read"
        PARTLY = "partly", "read in part"
        UNREADABLE = "unreadable", "not readable"
        SETTLED = "settled", "not read, settled by a person"

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    direction = models.CharField(max_length=8, choices=Direction.choices, editable=False)
    kind = models.CharField(max_length=20, blank=True, editable=False, help_text="837P, 999, 277CA, TA1, 835, …")
    name = models.CharField(max_length=255, editable=False)
    folder = models.CharField(max_length=255, blank=True, editable=False)
    size = models.PositiveBigIntegerField(editable=False)
    modified_at = models.DateTimeField(null=True, editable=False, help_text="As the server says.")
    sha256 = models.CharField("SHA-256", max_length=64, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW, editable=False)
    envelopes = models.JSONField(default=list, editable=False)
    findings = models.JSONField(default=list, editable=False)
    said = models.JSONField(default=dict, editable=False, help_text="What reading came to: counts by outcome.")
    run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="+", editable=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    note = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    read_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("region", "direction", "sha256"), name="a_file_is_stored_once"),)
        indexes = (models.Index(fields=("region", "direction", "state"), name="document_state"),)

    def __str__(self) -> str:
        return f"document {self.pk}"


class DocumentPart(models.Model):
    """At most some megabytes of a document's bytes, read as Latin-1; `number` counts from 0."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="parts", editable=False)
    number = models.PositiveIntegerField(editable=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    content = EncryptedTextField(identity="row_id")

    class Meta:
        ordering = ("document", "number")
        constraints = (models.UniqueConstraint(fields=("document", "number"), name="one_document_part"),)

    def __str__(self) -> str:
        return f"document part {self.pk}"


class Batch(models.Model):
    """One 837P file: one ISA, one GS, one kind. Stored with its numbers before it is sent.

    uploading: this worker, or one that died, is at it; nobody sends it again without having looked. unconfirmed: an
    error came after its last byte; a 999 or a person decides. failed: nothing of it is at the clearinghouse.
    """

    class State(models.TextChoices):
        BATCHED = "batched", "waiting to be sent"
        UPLOADING = "uploading"
        UPLOADED = "uploaded"
        UNCONFIRMED = "unconfirmed", "sent, unconfirmed"
        FAILED = "failed", "not sent"

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    document = models.OneToOneField(Document, models.PROTECT, related_name="batch", editable=False)
    kind = models.CharField(max_length=6, choices=[(kind.value, kind.value) for kind in Kind], editable=False)
    sender = models.CharField(max_length=15, editable=False)
    receiver = models.CharField(max_length=15, editable=False)
    usage = models.CharField(max_length=1, choices=[("P", "production"), ("T", "test")], editable=False)
    control = models.PositiveIntegerField("control number", editable=False, help_text="ISA13 and GS06.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.BATCHED, editable=False)
    detail = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Why it was not sent, for a person."
    )
    claims = models.PositiveIntegerField("number of claims", editable=False)
    charge = models.DecimalField(max_digits=15, decimal_places=2, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    begun_at = models.DateTimeField(
        null=True, editable=False, help_text="When its file was begun to be sent: what lies there is ours."
    )
    uploaded_at = models.DateTimeField(null=True, editable=False)
    acknowledged_at = models.DateTimeField("999 at", null=True, editable=False)
    answered_at = models.DateTimeField("first 277CA at", null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("receiver", "usage", "control"), name="a_number_is_used_once"),)
        indexes = (models.Index(fields=("region", "state"), name="batch_state"),)

    def __str__(self) -> str:
        return f"batch {self.control:09d}"


class BatchSet(models.Model):
    """One ST of a batch. `number`: ST02, a 999's AK202; `reference`: BHT03, a 277CA's 2200B TRN02.

    `told`: the totals of the last 277CA that has any, beside ours: {document, differs, whole, providers}; `whole` and
    each of `providers`: {claims, charge, sent_claims, sent_charge, differs}, claims or charge None where it says none.
    """

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="sets", editable=False)
    number = models.CharField(max_length=9, editable=False)
    reference = models.CharField(max_length=30, editable=False)
    claims = models.PositiveIntegerField("number of claims", editable=False)
    charge = models.DecimalField(max_digits=15, decimal_places=2, editable=False)
    acknowledged = models.CharField(max_length=1, blank=True, editable=False, help_text="The 999's code: A, E, R …")
    told = models.JSONField(default=dict, editable=False)
    differs = models.BooleanField(default=False, editable=False, help_text="The 277CA counts otherwise than we do.")

    class Meta:
        ordering = ("batch", "number")
        constraints = (models.UniqueConstraint(fields=("batch", "number"), name="one_batch_set"),)
        indexes = (models.Index(fields=("reference",), name="batch_set_reference"),)

    def __str__(self) -> str:
        return f"set {self.number}"
