"""What intakes and insurance look like over the API: what is known of patients goes in, and does not come out."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from backoffice.rest.pages import PageQuery
from backoffice.rest.strict import Flag, Pattern, Query, StrictSerializer, Text, WholeNumber
from clinic.care.intakes.receiving import TAKEN
from clinic.care.models import EligibilityInformation, EligibilityReport, Intake
from clinic.care.models.eligibility import Coverage
from clinic.patients.wire import NO_NUL


class IntakeQuery(Query):
    """Whose intake it is: a FHIR document has no place for that."""

    region = Text(max_length=60, help_text="The patient's region.")


class Subject(serializers.Serializer[Any]):
    reference = Pattern(r"^Patient/[^\x00/]*[^\s\x00/][^\x00/]*$", max_length=128)


class Identifier(serializers.Serializer[Any]):
    system = Pattern(NO_NUL, max_length=255, required=False)
    value = Pattern(NO_NUL, max_length=255, required=False)


class QuestionnaireResponse(serializers.Serializer[Any]):
    """FHIR R4; what else it has is kept with it."""

    resourceType = serializers.ChoiceField(["QuestionnaireResponse"])  # noqa: N815 (FHIR's name)
    id = Pattern(r"^[A-Za-z0-9.-]{1,64}$", required=False)
    identifier = Identifier(required=False)
    questionnaire = Pattern(NO_NUL, max_length=500, required=False)
    status = serializers.ChoiceField(TAKEN)
    subject = Subject(help_text="Patient/ and the hospital's reference of the patient.")
    authored = Text(max_length=40, required=False, help_text="FHIR's dateTime.")
    item = serializers.ListField(child=serializers.DictField(), required=False)


class IntakeRow(serializers.ModelSerializer[Intake]):
    class Meta:
        model = Intake
        fields = ("id", "patient", "state", "received_at")


class InformationBody(StrictSerializer):
    """The insurance of a patient; with another payer it is another record, and the former one is kept."""

    patient = WholeNumber(min_value=1, max_value=2**63 - 1)
    payer_code = Pattern(r"^[A-Za-z0-9-]{1,20}$", help_text="pVerify's code of the payer.")
    payer_name = Pattern(NO_NUL, max_length=120, required=False, allow_blank=True)
    provider_npi = Pattern(r"^[12][0-9]{9}$")
    provider_last_name = Text(max_length=60)
    member_id = Text(max_length=80)
    active = Flag(required=False)


class InformationRow(serializers.ModelSerializer[EligibilityInformation]):
    status = serializers.ChoiceField(Coverage.choices, allow_blank=True, read_only=True)

    class Meta:
        model = EligibilityInformation
        fields = ("id", "patient", "payer_code", "payer_name", "active", "status", "status_at", "changed_at")


class ReportQuery(PageQuery):
    region = Text(max_length=60, required=False, help_text="Only of this region.")
    patient = WholeNumber(in_query=True, required=False, min_value=1, help_text="Only of this patient.")


class ReportRow(serializers.ModelSerializer[EligibilityReport]):
    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    coverage = serializers.ChoiceField(Coverage.choices, allow_blank=True, read_only=True)

    class Meta:
        model = EligibilityReport
        fields = (
            "id", "region", "patient", "information", "month", "state", "coverage", "calls", "asked_at", "answered_at",
        )  # fmt: skip


@extend_schema_serializer(many=False)
class ReportPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = ReportRow(many=True)
