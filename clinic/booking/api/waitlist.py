"""/api/v1/waitlist/: who waits for a slot, and what was offered."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.rest.openapi import errors
from backoffice.rest.pages import page_of
from backoffice.rest.views import region_of_token
from clinic.booking.api.views import KEY, PORTAL, READ, WRITE, BookingViewSet
from clinic.booking.desk import expire_holds
from clinic.booking.models import WaitlistEntry
from clinic.booking.waiting import Waiting, join, withdraw
from clinic.booking.wire.visits import JoinBody, WaitlistPage, WaitlistQuery, WaitlistRow

MOST_DAYS = 92


@extend_schema_view(
    list=extend_schema(
        summary="List the waitlist, the first in line first",
        description=PORTAL,
        parameters=[WaitlistQuery],
        responses={200: WaitlistPage, **errors(400, 404)},
    ),
    retrieve=extend_schema(
        summary="Read an entry of the waitlist", responses={200: WaitlistRow, **errors(400, 404)}
    ),
    create=extend_schema(
        summary="Join the waitlist",
        description=f"At its end. What is free already is offered at once. {PORTAL}",
        parameters=[KEY],
        request=JoinBody,
        responses={201: WaitlistRow, **errors(400, 404, 409, 413, 415, 422)},
    ),
    withdraw=extend_schema(
        summary="Leave the waitlist, or decline what it offers",
        description="To take an offer, confirm its hold.",
        parameters=[KEY],
        request=None,
        responses={200: WaitlistRow, **errors(400, 404, 409, 413, 415, 422)},
    ),
)  # fmt: skip
class WaitlistViewSet(BookingViewSet):
    """The line of the token's regions, or what the patient who acts waits for."""

    queryset = WaitlistEntry.objects.select_related("region")
    serializer_class = WaitlistRow
    required_verbs = {"list": READ, "retrieve": READ, "create": WRITE, "withdraw": WRITE}
    portal_actions = frozenset(required_verbs)
    queries = {"list": WaitlistQuery}

    def get_queryset(self) -> QuerySet[WaitlistEntry]:
        return self.own(super().get_queryset())

    def list(self, request: Request) -> Response:
        rows = self.get_queryset()
        if "region" in self.query:
            region = region_of_token(self.query["region"], request)
            expire_holds(region)
            rows = rows.filter(region=region)
        if "state" in self.query:
            rows = rows.filter(state=self.query["state"])
        page = page_of(rows, request, self.query, ordering="id")
        return Response({"next": page.next, "results": self.get_serializer(page.rows, many=True).data})

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    def create(self, request: Request) -> Response:
        wish = self._wish(self.body(JoinBody))
        return self.done_once(
            wish.type.region, lambda: Response(self.get_serializer(join(wish)).data, status=201)
        )  # fmt: skip

    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        entry = self.get_object()

        def act() -> Response:
            withdraw(entry)
            return Response(self.get_serializer(entry).data)

        return self.done_once(entry.region, act)

    def _wish(self, values: dict[str, Any]) -> Waiting:
        type_ = self.type_of(values["type"])
        if values["latest"] <= timezone.now():
            raise ValidationError({"latest": ["That time is over."]})
        if not timedelta(0) < values["latest"] - values["earliest"] <= timedelta(days=MOST_DAYS):
            raise ValidationError({"latest": [f"After `earliest`, and at most {MOST_DAYS} days."]})
        resource = values.get("resource")
        return Waiting(
            type=type_,
            patient=self.patient_of(values.get("patient"), type_.region),
            earliest=values["earliest"],
            latest=values["latest"],
            resource=None if resource is None else self.resources_of([resource], type_.region)[resource],
        )
