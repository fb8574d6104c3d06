"""/api/v1/availability/ and /api/v1/holds/: what is free, and keeping it while somebody decides."""

from datetime import date, timedelta
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.rest.openapi import errors
from clinic.booking.api.views import KEY, PORTAL, READ, WRITE, BookingViewSet
from clinic.booking.book import Wish, confirm_hold, hold, release_hold
from clinic.booking.desk import expire_holds
from clinic.booking.models import Hold
from clinic.booking.slots import free_slots
from clinic.booking.wire.visits import (
    AppointmentReport,
    Availability,
    AvailabilityQuery,
    ConfirmBody,
    HoldRow,
    WishBody,
)
from clinic.booking.zones import midnight

MOST_DAYS = 31
FIRST_YEAR, LAST_YEAR = 2000, 2099


def wish_of(view: BookingViewSet, values: dict[str, Any]) -> Wish:
    """What a body wants, of the caller's regions and patients; 404 for the rest."""
    type_ = view.type_of(values["type"])
    patient = view.patient_of(values.get("patient"), type_.region)
    wanted = frozenset(view.resources_of(values.get("resources", ()), type_.region))
    busy = values.get("although_busy", False)
    return Wish(type=type_, patient=patient, begins=values["begins"], resources=wanted, although_busy=busy)


@extend_schema_view(
    list=extend_schema(
        summary="List free slots",
        description="In order. A slot is free until somebody else takes it: hold it while the patient decides.",
        parameters=[AvailabilityQuery],
        responses={200: Availability, **errors(400, 404)},
    )
)
class AvailabilityViewSet(BookingViewSet):
    """Free slots of the token's regions."""

    serializer_class = Availability
    pagination_class = None
    required_verbs = {"list": READ}
    queries = {"list": AvailabilityQuery}
    portal_actions = frozenset({"list"})

    def list(self, request: Request) -> Response:
        type_ = self.type_of(self.query["type"])
        region = type_.region
        _check_days(self.query["from"], self.query["to"])
        expire_holds(region)
        begins, ends = (midnight(self.query[name], region.zone) for name in ("from", "to"))
        wanted = frozenset(self.resources_of([self.query["resource"]] if "resource" in self.query else (), region))
        slots = list(islice(free_slots(type_, begins, ends, wanted=wanted), self.query["limit"] + 1))
        rows = [
            {"begins": each.begins, "ends": each.ends, "resources": [one.pk for one in each.resources]}
            for each in slots[: self.query["limit"]]
        ]
        more = len(slots) > self.query["limit"]
        answer = {"region": region.name, "time_zone": region.time_zone, "slots": rows, "more": more}
        return Response(Availability(answer).data)


def _check_days(first: date, last: date) -> None:
    if not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise ValidationError({"from": [f"From {FIRST_YEAR} to {LAST_YEAR}."]})
    if not timedelta(0) < last - first <= timedelta(days=MOST_DAYS):
        raise ValidationError({"to": [f"1 to {MOST_DAYS} days after `from`."]})


@extend_schema_view(
    retrieve=extend_schema(summary="Read a hold", description=PORTAL, responses={200: HoldRow, **errors(400, 404)}),
    create=extend_schema(
        summary="Hold a slot",
        description=f"It is kept until `expires_at`, and nobody else can book it. {PORTAL}",
        parameters=[KEY],
        request=WishBody,
        responses={201: HoldRow, **errors(400, 404, 409, 413, 415, 422)},
    ),
    confirm=extend_schema(
        summary="Book what a hold keeps",
        parameters=[KEY],
        request=ConfirmBody,
        responses={201: AppointmentReport, **errors(400, 404, 409, 413, 415, 422)},
    ),
    release=extend_schema(
        summary="Give a hold up",
        parameters=[KEY],
        request=None,
        responses={200: HoldRow, **errors(400, 404, 409, 413, 415, 422)},
    ),
)
class HoldViewSet(BookingViewSet):
    """Holds of the token's regions, or of the patient who acts."""

    queryset = Hold.objects.select_related("region", "type__region", "patient").prefetch_related("resources")
    serializer_class = HoldRow
    required_verbs = {"retrieve": READ, "create": WRITE, "confirm": WRITE, "release": WRITE}
    portal_actions = frozenset(required_verbs)

    def get_queryset(self) -> QuerySet[Hold]:
        return self.own(super().get_queryset())

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    def create(self, request: Request) -> Response:
        wish = wish_of(self, self.body(WishBody))
        return self.done_once(
            wish.type.region, lambda: Response(self.get_serializer(hold(wish)).data, status=201)
        )  # fmt: skip

    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        held, values = self.get_object(), self.body(ConfirmBody)

        def act() -> Response:
            busy, external_id = values["although_busy"], values.get("external_id", "")
            made = confirm_hold(held, self.by, external_id=external_id, although_busy=busy)
            return Response(AppointmentReport(made, context=self.get_serializer_context()).data, status=201)

        return self.done_once(held.region, act)

    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: str) -> Response:
        held = self.get_object()

        def act() -> Response:
            release_hold(held)
            return Response(self.get_serializer(held).data)

        return self.done_once(held.region, act)
