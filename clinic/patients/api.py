"""/api/v1/patients/: who can be booked for."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.rest.openapi import errors
from backoffice.rest.views import region_of_token
from clinic.patients.acting import ActingViewSet
from clinic.patients.models import Patient
from clinic.patients.register import NoSuchPatient, register
from clinic.patients.wire import PatientBody, PatientRow


@extend_schema_view(
    create=extend_schema(
        summary="Make or change a patient",
        description="By the hospital's reference. No answer repeats a name, a birth date or a contact.",
        request=PatientBody,
        responses={200: PatientRow, 201: PatientRow, **errors(400, 404, 413, 415)},
    )
)
class PatientViewSet(ActingViewSet):
    """Patients of the token's regions. A portal makes none."""

    queryset = Patient.objects.none()
    serializer_class = PatientRow
    required_verbs = {"create": "appointments:write"}

    def create(self, request: Request) -> Response:
        body = PatientBody(data=request.data)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        region = region_of_token(values.pop("region"), request)
        try:
            patient, made = register(region, values.pop("external_id"), values)
        except NoSuchPatient:
            raise NotFound("There is no such patient in the token's regions.") from None
        return Response(self.get_serializer(patient).data, status=201 if made else 200)
