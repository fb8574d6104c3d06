"""/api/v1/insurance/ and /api/v1/eligibility-reports/: by what payers know patients, and what they have answered."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.audit import record_views
from backoffice.rest.openapi import errors
from backoffice.rest.pages import page_of
from backoffice.rest.views import of_token, region_of_token
from clinic.care.api.wire import InformationBody, InformationRow, ReportPage, ReportQuery, ReportRow
from clinic.care.eligibility.register import register
from clinic.care.models import EligibilityInformation, EligibilityReport
from clinic.patients.acting import ActingViewSet
from clinic.patients.models import Patient
from clinic.patients.register import NoSuchPatient

NO_SUCH = "There is no such patient in the token's regions."


@extend_schema_view(
    create=extend_schema(
        summary="Say how a patient is insured",
        description="No answer repeats the member's id. The next check asks the payer, once a month.",
        request=InformationBody,
        responses={200: InformationRow, 201: InformationRow, **errors(400, 404, 413, 415)},
    )
)
class InsuranceViewSet(ActingViewSet):
    """Eligibility information of patients in the token's regions. A portal makes none."""

    queryset = EligibilityInformation.objects.none()
    serializer_class = InformationRow
    required_verbs = {"create": "appointments:write"}

    def create(self, request: Request) -> Response:
        body = InformationBody(data=request.data)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        rows = of_token(Patient.objects.select_related("region"), request)
        patient = rows.filter(pk=values.pop("patient")).first()
        if patient is None:
            raise NotFound(NO_SUCH)
        try:
            information, made = register(patient, values)
        except NoSuchPatient:
            raise NotFound(NO_SUCH) from None
        return Response(self.get_serializer(information).data, status=201 if made else 200)


@extend_schema_view(
    list=extend_schema(
        summary="List eligibility reports",
        description="One per patient and month. The payer's words are in the admin alone.",
        parameters=[ReportQuery],
        responses={200: ReportPage, **errors(400, 404)},
    )
)
class EligibilityReportViewSet(ActingViewSet):
    """Reports of the token's regions."""

    queryset = EligibilityReport.objects.none()
    serializer_class = ReportRow
    required_verbs = {"list": "appointments:read"}
    queries = {"list": ReportQuery}

    def list(self, request: Request) -> Response:
        rows = of_token(EligibilityReport.objects.select_related("region"), request)
        if "region" in self.query:
            rows = rows.filter(region=region_of_token(self.query["region"], request))
        if "patient" in self.query:
            rows = rows.filter(patient=self.query["patient"])
        page = page_of(rows, request, self.query)
        record_views(EligibilityReport, [row.pk for row in page.rows], through="api")
        return Response({"next": page.next, "results": self.get_serializer(page.rows, many=True).data})
