"""What missing services look like over the API."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from backoffice.access import shown
from backoffice.rest.pages import PageQuery
from backoffice.rest.strict import IsoDate, MoneyText, StrictSerializer, Text
from clinic.models import MissingService, MissingServiceStatus

ORDERINGS = ("priority", "at_stake", "start", "filing_deadline", "id")


class MissingServiceQuery(PageQuery):
    """Which missing services a list shows, and in which order."""

    region = Text(max_length=60, required=False, help_text="A region of the token, by name; 404 for any other.")
    status = serializers.ChoiceField(MissingServiceStatus.choices, required=False)
    category = Text(max_length=40, required=False)
    blocked_by = Text(max_length=160, required=False, help_text="The master record that holds it up, as kind:id.")
    assignee = Text(max_length=150, required=False, help_text="A user name.")
    to = IsoDate(required=False, help_text="The appointment began before this day of the region's time zone.")
    min_at_stake = MoneyText(required=False, help_text="At least so much money is at stake.")
    ordering = serializers.ChoiceField(
        [sign + name for name in ORDERINGS for sign in ("", "-")],
        default="-priority",
        help_text="A minus turns it round. Rows whose money is unknown count as the smallest.",
    )

    def get_fields(self) -> dict[str, Any]:
        # "from" is a keyword of Python.
        begins = IsoDate(required=False, help_text="The appointment began on this day in the region's zone, or later.")
        return {**super().get_fields(), "from": begins}


class MissingServiceRow(serializers.ModelSerializer[MissingService]):
    """An appointment that is, or was, short of services. What may name a patient is masked unless the role shows it."""

    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    patient_reference = serializers.SerializerMethodField()
    reasons = serializers.SerializerMethodField()
    note = serializers.SerializerMethodField()
    dismissed_reason = serializers.SerializerMethodField()
    days_left = serializers.SerializerMethodField(help_text="To the filing deadline; negative after it.")
    assignee = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True)
    dismissed_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True)

    class Meta:
        model = MissingService
        fields = (
            "id", "region", "appointment_id", "start", "department_id", "patient_reference", "type_code", "status",
            "outcome", "category", "reasons", "detail", "services", "value", "missing", "at_stake", "filing_deadline",
            "days_left", "priority", "blocked_by", "run", "assignee", "note", "dismissed_reason", "dismissed_until",
            "dismissed_by", "dismissed_at", "first_seen_at", "updated_at",
        )  # fmt: skip

    def get_patient_reference(self, row: MissingService) -> str:
        return shown(self.context["request"].user, row.patient_id)

    def get_note(self, row: MissingService) -> str:
        return shown(self.context["request"].user, row.note)

    def get_dismissed_reason(self, row: MissingService) -> str:
        return shown(self.context["request"].user, row.dismissed_reason)

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_reasons(self, row: MissingService) -> list[str]:
        return row.reasons.split(";") if row.reasons else []

    def get_days_left(self, row: MissingService) -> int:
        return (row.filing_deadline - timezone.now().astimezone(row.region.zone).date()).days


@extend_schema_serializer(many=False)
class MissingServicePage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")
    results = MissingServiceRow(many=True)


class Dismissal(StrictSerializer):
    """It shall not be written, until a day or for good."""

    resolution = serializers.ChoiceField(["dismissed"])
    reason = Text(max_length=200)
    until = IsoDate(
        required=False, allow_null=True, help_text="The last day on which it stays dismissed; none: for good."
    )


class Reopening(StrictSerializer):
    """It shall be written after all."""

    resolution = serializers.ChoiceField(["open"])
