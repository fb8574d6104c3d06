"""/api/v1/uploads/: videos of patients by the tus protocol 1.0.0, and as JSON what became of them."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound, UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from backoffice.access import may
from backoffice.audit import record_view, record_views
from backoffice.rest.errors import Conflict, TooLarge
from backoffice.rest.openapi import errors
from backoffice.rest.pages import page_of
from backoffice.rest.views import of_token, region_of_token
from clinic.booking.models import Appointment
from clinic.patients.models import Patient
from clinic.patients.register import NoSuchPatient
from clinic.uploads import wire
from clinic.uploads.jobs import call_for_check
from clinic.uploads.keeping import begin, withdraw
from clinic.uploads.limits import MEGABYTE, limits_of
from clinic.uploads.models import Upload
from clinic.uploads.protocol import TusViewSet
from clinic.uploads.refusals import LengthMissing
from clinic.uploads.writing import ALGORITHMS, OTHER_OFFSET, check_open, take_in
from regions.models import Region

READ, WRITE = "appointments:read", "appointments:write"


def _header(name: str, description: str, *, required: bool = True, kind: Any = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, required=required, description=description)


TUS = _header("Tus-Resumable", "1.0.0", kind={"type": "string", "enum": [wire.VERSION]})
NOBODY = "No patient of that number is there."
NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}


@extend_schema_view(
    list=extend_schema(
        summary="List videos",
        parameters=[wire.UploadQuery],
        responses={200: wire.UploadPage, **errors(400, 404)},
    ),
    retrieve=extend_schema(
        summary="Read what became of a video", responses={200: wire.UploadRow, **errors(400, 404)}
    ),
    create=extend_schema(
        summary="Begin to upload a video",
        description="tus 1.0.0, creation. The answer's Location takes the bytes. A portal uploads its patient's alone.",
        parameters=[
            TUS,
            _header("Upload-Length", "Bytes of the whole video.", kind=NUMBER),
            _header(
                "Upload-Metadata",
                "`patient`, which a portal may leave out, and maybe `appointment`, by number; the rest is kept.",
                required=False,
            ),
        ],
        request=None,
        responses={201: wire.UploadRow, **errors(400, 404, 409, 412, 413)},
    ),
    partial_update=extend_schema(
        summary="Send bytes of a video",
        description="tus 1.0.0. Of two requests at one offset one wins; the other is 409. With Upload-Checksum (sha1 or"
        " sha256) all of a request counts or nothing (460).",
        parameters=[
            TUS,
            _header("Upload-Offset", "Where the bytes belong.", kind=NUMBER),
            _header("Upload-Checksum", "sha256, a blank, the digest in base64.", required=False),
        ],
        request={wire.OCTETS: OpenApiTypes.BINARY},
        responses={
            204: OpenApiResponse(description="Upload-Offset says how much there is."),
            **errors(400, 404, 409, 410, 411, 412, 413, 415, 460, 503),
        },
    ),
    destroy=extend_schema(
        summary="Withdraw a video that was not checked yet",
        description="tus 1.0.0, termination.",
        parameters=[TUS],
        responses={204: OpenApiResponse(description="Its bytes are gone."), **errors(400, 404, 409, 410, 412)},
    ),
)  # fmt: skip
class UploadViewSet(TusViewSet):
    """Videos of patients in the token's regions, or of the patient who acts (contract S3-12)."""

    queryset = Upload.objects.select_related("region")
    serializer_class = wire.UploadRow
    # REST framework calls the action of OPTIONS "metadata".
    required_verbs = {
        "list": READ, "retrieve": READ, "metadata": READ, "create": WRITE, "progress": WRITE, "partial_update": WRITE,
        "destroy": WRITE,
    }  # fmt: skip
    portal_actions = frozenset(required_verbs)
    queries = {"list": wire.UploadQuery}

    def get_queryset(self) -> QuerySet[Upload]:
        return self.own(super().get_queryset())

    def list(self, request: Request) -> Response:
        rows = self.get_queryset()
        if "region" in self.query:
            rows = rows.filter(region=region_of_token(self.query["region"], request))
        rows = rows.filter(**{name: self.query[name] for name in ("patient", "state") if name in self.query})
        page = page_of(rows, request, self.query)
        if self._by_staff_who_see:
            record_views(Upload, [row.pk for row in page.rows], api_token=request.auth.pk)
        return Response({"next": page.next, "results": self.get_serializer(page.rows, many=True).data})

    def retrieve(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        if self._by_staff_who_see:
            record_view(row, api_token=request.auth.pk)
        return Response(self.get_serializer(row).data)

    def discover(self, request: Request, **kwargs: Any) -> Response:
        """OPTIONS: what the server can. The largest size is that of the token's regions."""
        sizes = [limits_of(region).size for region in self._regions()]
        headers = {
            "Tus-Version": wire.VERSION,
            "Tus-Extension": wire.EXTENSIONS,
            "Tus-Max-Size": str(max(sizes, default=settings.UPLOAD_MAX_MB * MEGABYTE)),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        }
        return Response(status=204, headers=headers)

    def create(self, request: Request) -> Response:
        length = self._length(request)
        values = wire.metadata(request.headers)
        patient = self._patient(wire.row_number(values, "patient"))
        if length > (most := limits_of(patient.region).size):
            raise TooLarge(f"The region takes at most {most // MEGABYTE:,} MB.")
        appointment = self._appointment(wire.row_number(values, "appointment"), patient)
        try:
            upload = begin(patient, appointment, length, request.headers.get("Upload-Metadata", ""))
        except NoSuchPatient:
            raise NotFound(NOBODY) from None
        where = reverse("upload-detail", args=[upload.pk], request=request)
        headers = {"Location": where, **wire.expires(upload)}
        return Response(self.get_serializer(upload).data, status=201, headers=headers)

    def progress(self, request: Request, pk: str) -> Response:
        """HEAD: where to go on."""
        upload = self.get_object()
        check_open(upload)
        headers = {"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.length), **wire.expires(upload)}
        if upload.metadata:
            headers["Upload-Metadata"] = str(upload.metadata)
        return Response(status=200, headers=headers)

    def partial_update(self, request: Request, pk: str) -> Response:
        upload = self.get_object()
        if (request.content_type or "").partition(";")[0].strip().lower() != wire.OCTETS:
            raise UnsupportedMediaType(request.content_type, f"Send the bytes as {wire.OCTETS}.")
        offset, size = wire.whole_number(request.headers, "Upload-Offset"), _size(request)
        checksum = wire.checksum(request.headers)
        check_open(upload)
        if offset != upload.offset:
            raise Conflict(OTHER_OFFSET)
        if offset + size > upload.length:
            raise TooLarge("These are more bytes than the upload was announced with.")
        if size:
            upload = take_in(upload, offset, size, request._request, checksum)
            if upload.state == Upload.State.RECEIVED:
                call_for_check(upload, self.owner)
        return Response(status=204, headers={"Upload-Offset": str(upload.offset), **wire.expires(upload)})

    def destroy(self, request: Request, pk: str) -> Response:
        upload = self.get_object()
        check_open(upload)
        withdraw(upload)
        return Response(status=204)

    @property
    def _by_staff_who_see(self) -> bool:
        return self.acting_for is None and may(self.request.user, "patient_data")

    def _regions(self) -> Iterable[Region]:
        if self.acting_for is not None:
            return (self.acting_for.region,)
        return of_token(Region.objects.all(), self.request, path="")

    @staticmethod
    def _length(request: Request) -> int:
        if "Upload-Defer-Length" in request.headers:
            raise ValidationError({"Upload-Defer-Length": ["Not served: send Upload-Length."]})
        length = wire.whole_number(request.headers, "Upload-Length")
        if length == 0:
            raise ValidationError({"Upload-Length": ["A video has at least one byte."]})
        return length

    def _patient(self, number: int | None) -> Patient:
        """The patient of the claim, who alone may be named by a portal; else one of the token's regions, or 404."""
        wanted = number if self.acting_for is None else self.acting_for.pk
        if wanted is None:
            raise ValidationError({"Upload-Metadata": ["It lacks patient."]})
        patient = of_token(Patient.objects.select_related("region"), self.request).filter(pk=wanted).first()
        if patient is None or number not in (None, patient.pk):
            raise NotFound(NOBODY)
        return patient

    @staticmethod
    def _appointment(number: int | None, patient: Patient) -> Appointment | None:
        if number is None:
            return None
        appointment = Appointment.objects.filter(patient=patient, pk=number).first()
        if appointment is None:
            raise NotFound("No appointment of that number is the patient's.")
        return appointment


def _size(request: Request) -> int:
    """Content-Length; LengthMissing (411) without one, as of a chunked body, which Django would read as empty."""
    text = str(request.META.get("CONTENT_LENGTH") or "")
    if not text.isdecimal():
        raise LengthMissing
    return int(text)


LIST = UploadViewSet.as_view({"get": "list", "post": "create", "options": "discover"})
DETAIL = UploadViewSet.as_view(
    {"get": "retrieve", "head": "progress", "patch": "partial_update", "delete": "destroy", "options": "discover"}
)
