"""What laboratories and points of sale told of an appointment, as its report has it."""

from typing import Any

from rest_framework import serializers

from backoffice.access import shown
from clinic.booking.models import LabOrder, PosEvent, PosOrder, SampleEvent


class SampleEventRow(serializers.ModelSerializer[SampleEvent]):
    """`occurred_at`: by the laboratory; null where it has not said."""

    class Meta:
        model = SampleEvent
        fields = ("kind", "specimen", "reason_code", "occurred_at", "told_at")


class LabOrderRow(serializers.ModelSerializer[LabOrder]):
    """One order of a laboratory; `test_code` is masked where the role does not show patient data."""

    test_code = serializers.SerializerMethodField()
    events = SampleEventRow(many=True, read_only=True)

    class Meta:
        model = LabOrder
        fields = ("number", "accession", "test_code", "state", "changed_at", "events")

    def get_test_code(self, row: LabOrder) -> str:
        if self.context["view"].acting_for is not None:
            return row.test_code
        return shown(self.context["request"].user, row.test_code)


class PosEventRow(serializers.ModelSerializer[PosEvent]):
    amount_cents = serializers.IntegerField(source="amount", allow_null=True)

    class Meta:
        model = PosEvent
        fields = ("kind", "payment", "amount_cents", "occurred_at", "told_at")


class PosOrderRow(serializers.ModelSerializer[Any]):
    """One order at a point of sale; `ordered_cents` is null while nobody has said what it comes to."""

    ordered_cents = serializers.IntegerField(source="ordered", allow_null=True)
    paid_cents = serializers.IntegerField(source="paid")
    refunded_cents = serializers.IntegerField(source="refunded")
    events = PosEventRow(many=True, read_only=True)

    class Meta:
        model = PosOrder
        fields = (
            "number", "currency", "ordered_cents", "paid_cents", "refunded_cents", "state", "changed_at", "events",
        )  # fmt: skip
