"""What laboratories and points of sale told of an appointment: lab orders and orders at a till, each with its events.

An event is stored once under `key`, the SHA-256 of what it says; an order stands as all its events together say,
whatever the order in which they came. Numbers are the senders'; an anonymous patient's rows have none.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from clinic.booking.models.visits import Appointment
from regions.models import Region


class LabOrder(models.Model):
    """One order of a laboratory: in FHIR's words a ServiceRequest with its Specimens and its DiagnosticReport.

    `number`: the order's, as all its events have it. `reached`: how far its samples are, which decides over the
    appointment; `state` is the same, or cancelled.
    """

    class State(models.TextChoices):
        ORDERED = "ordered"
        COLLECTED = "collected"
        RECEIVED = "received"
        PRELIMINARY = "preliminary", "preliminary result"
        RESULTED = "resulted"
        REJECTED = "rejected", "rejected, to be collected again"
        CANCELLED = "cancelled"

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    appointment = models.ForeignKey(Appointment, models.PROTECT, related_name="lab_orders", editable=False)
    number = models.CharField(max_length=128, blank=True, editable=False)
    accession = models.CharField(max_length=64, blank=True, editable=False, help_text="The laboratory's own number.")
    test_code = models.CharField("test", max_length=64, blank=True, editable=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ORDERED, editable=False)
    reached = models.CharField(max_length=12, choices=State.choices, default=State.ORDERED, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("region", "number"), condition=~Q(number=""), name="one_lab_order_of_a_number"
            ),
        )
        indexes = (
            models.Index(fields=("region", "accession"), condition=~Q(accession=""), name="lab_order_accession"),
            models.Index(fields=("region", "state", "id"), name="lab_order_state"),
        )

    def __str__(self) -> str:
        return f"lab order {self.pk}"


class SampleEvent(models.Model):
    """One thing that happened to a sample of an order. `occurred_at`: by the laboratory, where it said when."""

    order = models.ForeignKey(LabOrder, models.CASCADE, related_name="events", editable=False, db_index=False)
    key = models.CharField(max_length=64, editable=False)
    kind = models.CharField(max_length=12, choices=LabOrder.State.choices, editable=False)
    specimen = models.CharField(max_length=64, blank=True, editable=False)
    reason_code = models.CharField(max_length=64, blank=True, editable=False)
    occurred_at = models.DateTimeField(null=True, editable=False)
    told_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("order", "key"), name="a_sample_event_is_stored_once"),)

    def __str__(self) -> str:
        return f"sample event {self.pk}"


class PosOrder(models.Model):
    """One order at a point of sale. Amounts are cents, or what a hundredth of `currency` is called.

    `ordered` is what it comes to, null while nobody has said; `paid` and `refunded` are sums of its events.
    """

    class State(models.TextChoices):
        PLACED = "placed"
        PARTLY_PAID = "partly_paid", "partly paid"
        PAID = "paid"
        PARTLY_REFUNDED = "partly_refunded", "partly refunded"
        REFUNDED = "refunded"

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    appointment = models.ForeignKey(Appointment, models.PROTECT, related_name="pos_orders", editable=False)
    number = models.CharField(max_length=128, blank=True, editable=False)
    currency = models.CharField(max_length=3, blank=True, editable=False)
    ordered = models.BigIntegerField(null=True, editable=False)
    paid = models.BigIntegerField(default=0, editable=False)
    refunded = models.BigIntegerField(default=0, editable=False)
    state = models.CharField(max_length=15, choices=State.choices, default=State.PLACED, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name = "order"
        constraints = (
            models.UniqueConstraint(
                fields=("region", "number"), condition=~Q(number=""), name="one_pos_order_of_a_number"
            ),
        )
        indexes = (models.Index(fields=("region", "state", "id"), name="pos_order_state"),)

    def __str__(self) -> str:
        return f"order {self.pk}"


class PosEvent(models.Model):
    """One thing that happened to an order: placed, paid or refunded. `payment`: the sender's number of it."""

    class Kind(models.TextChoices):
        PLACED = "placed"
        PAID = "paid"
        REFUNDED = "refunded"

    order = models.ForeignKey(PosOrder, models.CASCADE, related_name="events", editable=False, db_index=False)
    key = models.CharField(max_length=64, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, editable=False)
    payment = models.CharField(max_length=64, blank=True, editable=False)
    amount = models.BigIntegerField(null=True, editable=False, help_text="In cents.")
    occurred_at = models.DateTimeField(null=True, editable=False)
    told_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        verbose_name = "order event"
        constraints = (models.UniqueConstraint(fields=("order", "key"), name="an_order_event_is_stored_once"),)

    def __str__(self) -> str:
        return f"order event {self.pk}"
