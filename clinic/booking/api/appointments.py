"""/api/v1/appointments/: book in one call, list, reschedule, cancel, check in, move."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Combinable
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.access import may
from backoffice.audit import record_view, record_views
from backoffice.rest.openapi import errors
from backoffice.rest.pages import page_of
from backoffice.rest.views import region_of_token
from clinic.booking.api.availability import wish_of
from clinic.booking.api.views import KEY, PORTAL, READ, WRITE, BookingViewSet
from clinic.booking.book import book, cancel, move, reschedule
from clinic.booking.models import Appointment
from clinic.booking.states import State
from clinic.booking.wire.visits import (
    AppointmentPage,
    AppointmentQuery,
    AppointmentReport,
    AppointmentRow,
    AppointmentWithComments,
    BookBody,
    CancelBody,
    ChangeBody,
    MoveBody,
    RescheduleBody,
)

PLACES: Mapping[str, Combinable] = {"begins": F("begins"), "id": F("pk")}
# What a patient may say of the own visit; the rest is staff's.
PORTAL_MOVES = frozenset({State.CONFIRMED})
CHANGED = {200: AppointmentReport, **errors(400, 404, 409, 413, 415, 422)}


@extend_schema_view(
    list=extend_schema(
        summary="List appointments",
        description=PORTAL,
        parameters=[AppointmentQuery],
        responses={200: AppointmentPage, **errors(400, 404)},
    ),
    retrieve=extend_schema(
        summary="Read an appointment, its log and the comments at it",
        responses={200: AppointmentWithComments, **errors(400, 404)},
    ),
    create=extend_schema(
        summary="Book in one call",
        description="All resources that the type needs are free, or none is taken (409); nor is it booked where the "
        f"patient has another visit then. {PORTAL}",
        parameters=[KEY],
        request=BookBody,
        responses={201: AppointmentReport, **errors(400, 404, 409, 413, 415, 422)},
    ),
    reschedule=extend_schema(
        summary="Move an appointment to another time",
        parameters=[KEY],
        request=RescheduleBody,
        responses=CHANGED,
    ),
    cancel=extend_schema(
        summary="Cancel an appointment",
        description="It stays, with the reason; its time is offered to the waitlist. A portal may until its patient has"
        " come or has missed it.",
        parameters=[KEY],
        request=CancelBody,
        responses=CHANGED,
    ),
    check_in=extend_schema(
        summary="Say that the patient has arrived",
        description="On the day of the visit, by the region's clock; staff also afterwards. Also for a missed visit;"
        " 409 where the patient has another visit then.",
        parameters=[KEY],
        request=ChangeBody,
        responses=CHANGED,
    ),
    move=extend_schema(
        summary="Move an appointment to another state",
        description="`next_states` of the appointment says which; missed only once it has begun. A portal may move its"
        " patient's to confirmed alone.",
        parameters=[KEY],
        request=MoveBody,
        responses=CHANGED,
    ),
)
class AppointmentViewSet(BookingViewSet):
    """Appointments of the token's regions, or of the patient who acts."""

    queryset = Appointment.objects.select_related("region", "type__region").prefetch_related("resources")
    serializer_class = AppointmentReport
    required_verbs = {
        "list": READ, "retrieve": READ, "create": WRITE, "reschedule": WRITE, "cancel": WRITE, "check_in": WRITE,
        "move": WRITE,
    }  # fmt: skip
    portal_actions = frozenset(required_verbs)
    queries = {"list": AppointmentQuery}

    def get_queryset(self) -> QuerySet[Appointment]:
        return self.own(super().get_queryset())

    def list(self, request: Request) -> Response:
        rows = self.get_queryset().filter(*self._conditions())
        page = page_of(rows, request, self.query, orderings=PLACES, ordering=self.query["ordering"])
        if self._by_staff_who_see:
            record_views(Appointment, [row.pk for row in page.rows], api_token=request.auth.pk)
        results = AppointmentRow(page.rows, many=True, context=self.get_serializer_context()).data
        return Response({"next": page.next, "results": results})

    def retrieve(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        if self._by_staff_who_see:
            record_view(row, api_token=request.auth.pk)
        return Response(AppointmentWithComments(row, context=self.get_serializer_context()).data)

    def create(self, request: Request) -> Response:
        values = self.body(BookBody)
        wish = wish_of(self, values)

        def act() -> Response:
            made = book(wish, self.by, external_id=values.get("external_id", ""))
            return self._report(made, status=201)

        return self.done_once(wish.type.region, act)

    @action(detail=True, methods=["post"])
    def reschedule(self, request: Request, pk: str) -> Response:
        row, values = self.get_object(), self.body(RescheduleBody)
        wanted = frozenset(self.resources_of(values.get("resources", ()), row.region))

        def change() -> None:
            why, version = values.get("why", ""), values.get("version")
            reschedule(
                row, values["begins"], self.by, why, resources=wanted, version=version,
                although_busy=values["although_busy"],
            )  # fmt: skip

        return self._change(row, change)

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        row, values = self.get_object(), self.body(CancelBody)
        return self._change(row, lambda: cancel(row, self.by, values["reason"], version=values.get("version")))

    @action(detail=True, methods=["post"], url_path="check-in")
    def check_in(self, request: Request, pk: str) -> Response:
        row, values = self.get_object(), self.body(ChangeBody)
        return self._move(row, State.ARRIVED, values)

    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        row, values = self.get_object(), self.body(MoveBody)
        if self.acting_for is not None and values["to"] not in PORTAL_MOVES:
            raise PermissionDenied("A portal may confirm, reschedule, cancel and check in.")
        return self._move(row, values["to"], values)

    def _move(self, row: Appointment, state: str, values: Mapping[str, Any]) -> Response:
        why, asked = values.get("why", ""), {"version": values.get("version"), "although_busy": values["although_busy"]}
        return self._change(row, lambda: move(row, state, self.by, why, **asked))

    def _change(self, row: Appointment, change: Callable[[], None]) -> Response:
        def act() -> Response:
            change()
            return self._report(self.get_object())

        return self.done_once(row.region, act)

    def _report(self, row: Appointment, *, status: int = 200) -> Response:
        return Response(self.get_serializer(row).data, status=status)

    @property
    def _by_staff_who_see(self) -> bool:
        return self.acting_for is None and may(self.request.user, "patient_data")

    def _conditions(self) -> Iterator[Q]:
        query = self.query
        if "region" in query:
            yield Q(region=region_of_token(query["region"], self.request))
        if "resource" in query:
            yield Q(resources=query["resource"])
        for name in ("state", "patient"):
            if name in query:
                yield Q(**{name: query[name]})
        if "begins_from" in query:
            yield Q(begins__gte=query["begins_from"])
        if "begins_before" in query:
            yield Q(begins__lt=query["begins_before"])
