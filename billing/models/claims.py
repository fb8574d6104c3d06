"""Claims, their lines, and the events that make their state."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from backoffice.fields import EncryptedJSONField
from backoffice.runs.models import Run
from billing.models.documents import BatchSet, Document
from billing.models.services import LoadedService
from claims.edi.claims import Kind
from claims.edi.status import State
from clinic.models import ServiceWrite
from regions.models import Region

STATES = [(state.value, state.value) for state in State]


class Claim(models.Model):
    """One CLM as it is, or will be, sent. `content`: claims.edi.claims.Claim as JSON (billing/content.py).

    `write` or `loaded`: the services that it bills, which one standing claim of each kind and `part` bills and no
    other; there is a second part where one has more lines than a claim may. `refused`: the rules that keep it from
    being sent, [[code, sentence], …]; such a claim stays a draft. `replaces`: the version before it; `version` counts
    from 1.
    `paid`, `share` and `corrected` are claims.edi.status.standing of its events, as `state` is.
    """

    # Three of its indexes begin with it, and each update of a claim writes them all.
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False, db_index=False)
    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    control = models.CharField("claim", max_length=20, editable=False, help_text="CLM01.")
    kind = models.CharField(max_length=6, choices=[(kind.value, kind.value) for kind in Kind], editable=False)
    frequency = models.CharField(max_length=1, default="1", editable=False)
    write = models.ForeignKey(ServiceWrite, models.PROTECT, null=True, related_name="claims", editable=False)
    loaded = models.ForeignKey(LoadedService, models.PROTECT, null=True, related_name="claims", editable=False)
    part = models.PositiveSmallIntegerField(default=1, editable=False)
    version = models.PositiveSmallIntegerField(default=1, editable=False)
    replaces = models.ForeignKey("self", models.PROTECT, null=True, related_name="versions", editable=False)
    appointment_id = models.CharField(max_length=120, blank=True, editable=False)
    patient_id = models.CharField("patient reference", max_length=120, editable=False)
    payer_id = models.CharField("payer's id", max_length=80, editable=False)
    provider = models.CharField(max_length=10, editable=False, help_text="The billing NPI, or the tax id.")
    first_day = models.DateField(editable=False)
    last_day = models.DateField(editable=False)
    charge = models.DecimalField(max_digits=15, decimal_places=2, editable=False)
    state = models.CharField(max_length=32, choices=STATES, default=State.DRAFT, editable=False)
    paid = models.DecimalField(max_digits=15, decimal_places=2, default=0, editable=False)
    share = models.DecimalField("patient's share", max_digits=15, decimal_places=2, default=0, editable=False)
    corrected = models.BooleanField(default=False, editable=False)
    refused = models.JSONField(default=list, editable=False)
    withdrawn = models.BooleanField(default=False, editable=False, help_text="Never sent, and will not be.")
    batch_set = models.ForeignKey(BatchSet, models.PROTECT, null=True, related_name="contents", editable=False)
    payer_claim = models.CharField(
        "payer's claim", max_length=50, blank=True, editable=False, help_text="CLP07, REF 1K."
    )
    content = EncryptedJSONField(identity="row_id", default=dict)
    run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("region", "control"), name="a_claim_number_is_used_once"),
            models.UniqueConstraint(
                fields=("write", "kind", "part"),
                condition=Q(withdrawn=False, replaces=None),
                name="a_service_is_claimed_once",
            ),
            models.UniqueConstraint(
                fields=("loaded", "kind", "part"),
                condition=Q(withdrawn=False, replaces=None),
                name="a_loaded_service_is_claimed_once",
            ),
            models.UniqueConstraint(
                fields=("replaces",), condition=Q(withdrawn=False), name="a_version_is_replaced_once"
            ),
        )
        indexes = (
            models.Index(fields=("region", "state", "id"), name="claim_state"),
            models.Index(fields=("control",), name="claim_control"),
            models.Index(fields=("region", "appointment_id"), name="claim_appointment"),
        )

    def __str__(self) -> str:
        return f"claim {self.pk}"


class ClaimLine(models.Model):
    """One service of a claim. `control`: REF 6R, what a payment is posted by. `paid`: Σ of its adjudications."""

    claim = models.ForeignKey(Claim, models.CASCADE, related_name="lines", editable=False, db_index=False)
    number = models.PositiveSmallIntegerField(editable=False)
    control = models.CharField(max_length=30, editable=False)
    block_code = models.CharField(max_length=60, blank=True, editable=False)
    procedure = models.CharField(max_length=5, editable=False)
    modifiers = models.CharField(max_length=12, blank=True, editable=False)
    charge = models.DecimalField(max_digits=15, decimal_places=2, editable=False)
    quantity = models.DecimalField(max_digits=10, decimal_places=3, editable=False)
    first_day = models.DateField(editable=False)
    last_day = models.DateField(editable=False)
    service_key = models.CharField(
        max_length=64, blank=True, editable=False, help_text="SHA-256 of claims.edi.standing.service_key."
    )
    paid = models.DecimalField(max_digits=15, decimal_places=2, default=0, editable=False)

    class Meta:
        ordering = ("claim", "number")
        constraints = (
            models.UniqueConstraint(fields=("claim", "number"), name="one_claim_line"),
            models.UniqueConstraint(fields=("claim", "control"), name="one_claim_line_control"),
        )
        indexes = (models.Index(fields=("service_key",), name="claim_line_service"),)

    def __str__(self) -> str:
        return f"claim line {self.pk}"


class ClaimEvent(models.Model):
    """What somebody said of a claim: appended, never changed. `key` names it whatever file repeats it.

    `state`: what it says of the claim; empty where it moves none (a status that is only kept). `code`: the answer's
    code, as A2:20:AY or CLP02; `detail`: no data of a person; of an adjudication its lines, adjustments and remarks.
    `place`: the set's place in its file, from 1, as Payment.place; 0 where it is in none.
    `day`, `payment` and `segment` are the order of adjudications (claims.edi.status.Event.order); of another answer in
    X12 `day` is what its interchange is dated.
    """

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="events", editable=False, db_index=False)
    key = models.CharField(max_length=64, editable=False)
    state = models.CharField(max_length=32, choices=STATES, blank=True, editable=False)
    document = models.ForeignKey(Document, models.PROTECT, null=True, related_name="+", editable=False)
    set_number = models.CharField("ST02", max_length=9, blank=True, editable=False)
    place = models.PositiveIntegerField(default=0, editable=False)
    segment = models.PositiveIntegerField(default=0, editable=False)
    code = models.CharField(max_length=60, blank=True, editable=False)
    says = models.CharField(max_length=400, blank=True, editable=False)
    detail = models.JSONField(default=dict, editable=False)
    day = models.CharField(max_length=10, blank=True, editable=False)
    payment = models.CharField(max_length=120, blank=True, editable=False)
    paid = models.DecimalField(max_digits=15, decimal_places=2, default=0, editable=False)
    share = models.DecimalField(max_digits=15, decimal_places=2, default=0, editable=False)
    test = models.BooleanField(
        default=False, editable=False, help_text="Of a test file, from which the claim was taken out: it moves nothing."
    )
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("claim", "key"), name="an_event_is_stored_once"),)

    def __str__(self) -> str:
        return f"claim event {self.pk}"
