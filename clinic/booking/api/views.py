"""What the booking's endpoints share: whose rows, in whose name, once, and a refusal as 409."""

from collections.abc import Callable, Iterable
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.response import Response

from backoffice.rest.errors import Conflict
from backoffice.rest.strict import StrictSerializer
from clinic.booking.desk import expire_holds
from clinic.booking.models import AppointmentType, Resource
from clinic.booking.moving import PORTAL as THROUGH_PORTAL
from clinic.booking.moving import By
from clinic.booking.once import HEADER, LONGEST, once
from clinic.booking.refusals import Refusal
from clinic.patients.acting import ActingViewSet
from clinic.patients.models import Patient
from regions.models import Region

READ, WRITE = "appointments:read", "appointments:write"
KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="Names this request: sent again with it, the same request is answered again and done once.",
)
PORTAL = "A portal's token acts for the patient of its claim; what belongs to another patient is 404."
# What a body may say in staff's name alone, and what a portal is told that says it.
FOR_STAFF = {
    "although_busy": "Two visits at one time are for staff to book.",
    "external_id": "The hospital's number of an appointment is for staff to give.",
}


class BookingViewSet(ActingViewSet):
    """Give it `portal_actions` beside what ApiViewSet asks for."""

    @property
    def by(self) -> By:
        """In whose name a change is made."""
        return By(user=self.owner, through="api" if self.acting_for is None else THROUGH_PORTAL)

    def body(self, of: type[StrictSerializer]) -> dict[str, Any]:
        """The request's body, checked; PermissionDenied (403) for a portal that says what only staff may."""
        serializer = of(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        values = dict(serializer.validated_data)
        if self.acting_for is not None:
            for name, refusal in FOR_STAFF.items():
                if values.get(name):
                    raise PermissionDenied(refusal)
        return values

    def done_once(self, region: Region, act: Callable[[], Response]) -> Response:
        """What `act` answers, once for each Idempotency-Key; a refusal is 409 with its word."""
        expire_holds(region)
        scope = "" if self.acting_for is None else str(self.acting_for.pk)
        try:
            return once(self.request, scope, act)
        except Refusal as refusal:
            raise Conflict(str(refusal), code=refusal.code) from None

    def type_of(self, pk: int) -> AppointmentType:
        """A type of the token's regions, or 404."""
        type_ = self.visible(AppointmentType.objects.select_related("region")).filter(pk=pk).first()
        if type_ is None:
            raise NotFound("No type of that number is in the token's regions.")
        return type_

    def patient_of(self, pk: int | None, region: Region) -> Patient:
        """The patient of the claim, who alone may be named by a portal; else a patient of the region, or 404."""
        own = pk if self.acting_for is None else self.acting_for.pk
        if own is None:
            raise ValidationError({"patient": ["This field is required."]})
        patient = Patient.objects.filter(region=region, pk=own).first()
        if patient is None or pk not in (None, patient.pk):
            raise NotFound("No patient of that number is there.")
        return patient

    def resources_of(self, ids: Iterable[int], region: Region) -> dict[int, Resource]:
        """Resources of the region by number, or 404."""
        wanted = set(ids)
        found = Resource.objects.filter(region=region).in_bulk(wanted)
        if wanted - set(found):
            raise NotFound("No resource of that number is in the region.")
        return found
