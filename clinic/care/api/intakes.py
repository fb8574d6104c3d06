"""/api/v1/intakes/: questionnaires that patients have filled in."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.rest.openapi import errors
from backoffice.rest.strict import StrictJSONParser
from backoffice.rest.views import region_of_token
from clinic.care.api.wire import IntakeQuery, IntakeRow, QuestionnaireResponse
from clinic.care.intakes.answers import NotReadable
from clinic.care.intakes.receiving import receive
from clinic.care.models import Intake
from clinic.patients.acting import ActingViewSet
from clinic.patients.models import Patient
from clinic.patients.register import NoSuchPatient

NOBODY = "No patient of this region has that reference."


class FhirParser(StrictJSONParser):
    """FHIR's own media type."""

    media_type = "application/fhir+json"


@extend_schema_view(
    create=extend_schema(
        summary="Hand in a questionnaire",
        description="A FHIR R4 QuestionnaireResponse that is completed, amended or entered in error. The same document"
        " again is 200 and does nothing. A newer one with the same identifier, or id, supersedes the former."
        " A portal hands in its patient's alone.",
        parameters=[IntakeQuery],
        request={"application/fhir+json": QuestionnaireResponse, "application/json": QuestionnaireResponse},
        responses={200: IntakeRow, 201: IntakeRow, **errors(400, 404, 413, 415)},
    )
)
class IntakeViewSet(ActingViewSet):
    """Taken in at once; a job of the queue intakes makes rows of its answers."""

    queryset = Intake.objects.none()
    serializer_class = IntakeRow
    parser_classes = [FhirParser, StrictJSONParser]
    required_verbs = {"create": "appointments:write"}
    queries = {"create": IntakeQuery}
    portal_actions = frozenset({"create"})

    def create(self, request: Request) -> Response:
        body = QuestionnaireResponse(data=request.data)
        body.is_valid(raise_exception=True)
        region = region_of_token(self.query["region"], request)
        reference = body.validated_data["subject"]["reference"].removeprefix("Patient/")
        patients = Patient.objects.filter(region=region, external_id=reference).select_related("region")
        if self.acting_for is not None:
            patients = patients.filter(pk=self.acting_for.pk)
        patient = patients.first()
        if patient is None:
            raise NotFound(NOBODY)
        try:
            intake, made = receive(patient, body.initial_data)
        except NotReadable as error:
            raise ValidationError(str(error)) from None
        except NoSuchPatient:
            raise NotFound(NOBODY) from None
        return Response(self.get_serializer(intake).data, status=201 if made else 200)
