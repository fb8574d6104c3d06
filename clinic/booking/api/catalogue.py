"""/api/v1/resources/, appointment-types/ and schedules/: what can be booked, and when it is open."""

from typing import Any

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.rest.openapi import errors
from backoffice.rest.pages import page_of
from backoffice.rest.views import region_of_token
from clinic.booking.api.views import READ, WRITE, BookingViewSet
from clinic.booking.catalogue import put_resource, put_schedule, put_type
from clinic.booking.models import AppointmentType, Resource
from clinic.booking.wire.catalogue import (
    CatalogueQuery,
    ResourceBody,
    ResourcePage,
    ResourceRow,
    ScheduleBody,
    ScheduleRow,
    TypeBody,
    TypePage,
    TypeRow,
)


class CatalogueViewSet(BookingViewSet):
    """Rows that have a code in their region."""

    required_verbs = {"list": READ, "retrieve": READ, "create": WRITE}
    queries = {"list": CatalogueQuery}
    portal_actions = frozenset({"list", "retrieve"})

    def get_queryset(self) -> QuerySet[Any]:
        return self.visible(super().get_queryset())

    def list(self, request: Request) -> Response:
        rows: QuerySet[Model] = self.get_queryset()
        if "region" in self.query:
            rows = rows.filter(region=region_of_token(self.query["region"], request))
        if "code" in self.query:
            rows = rows.filter(code=self.query["code"])
        page = page_of(rows, request, self.query, ordering="id")
        return Response({"next": page.next, "results": self.get_serializer(page.rows, many=True).data})

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    def answer(self, row: Model, *, made: bool) -> Response:
        return Response(self.get_serializer(row).data, status=201 if made else 200)


@extend_schema_view(
    list=extend_schema(
        summary="List resources", parameters=[CatalogueQuery], responses={200: ResourcePage, **errors(400, 404)}
    ),
    retrieve=extend_schema(summary="Read a resource", responses={200: ResourceRow, **errors(400, 404)}),
    create=extend_schema(
        summary="Make or change a resource",
        description="By its code. One that is not active is not booked any more; what is booked stays.",
        request=ResourceBody,
        responses={200: ResourceRow, 201: ResourceRow, **errors(400, 404, 413, 415)},
    ),
)
class ResourceViewSet(CatalogueViewSet):
    """Practitioners, rooms and devices of the token's regions."""

    queryset = Resource.objects.select_related("region")
    serializer_class = ResourceRow

    def create(self, request: Request) -> Response:
        values = self.body(ResourceBody)
        region = region_of_token(values.pop("region"), request)
        resource, made = put_resource(region, values.pop("code"), values)
        return self.answer(resource, made=made)


@extend_schema_view(
    list=extend_schema(
        summary="List types of appointment",
        parameters=[CatalogueQuery],
        responses={200: TypePage, **errors(400, 404)},
    ),
    retrieve=extend_schema(summary="Read a type of appointment", responses={200: TypeRow, **errors(400, 404)}),
    create=extend_schema(
        summary="Make or change a type of appointment",
        description="By its code. `needs` are the resources that one appointment takes at once.",
        request=TypeBody,
        responses={200: TypeRow, 201: TypeRow, **errors(400, 404, 413, 415)},
    ),
)
class AppointmentTypeViewSet(CatalogueViewSet):
    """What can be booked in the token's regions."""

    queryset = AppointmentType.objects.select_related("region").prefetch_related("needs__any_of")
    serializer_class = TypeRow

    def create(self, request: Request) -> Response:
        values = self.body(TypeBody)
        region = region_of_token(values.pop("region"), request)
        needs = values.pop("needs")
        known = self.resources_of((pk for need in needs for pk in need.get("any_of", ())), region)
        pairs = [(need["kind"], [known[pk] for pk in need.get("any_of", ())]) for need in needs]
        type_, made = put_type(region, values.pop("code"), values, pairs)
        return self.answer(type_, made=made)


@extend_schema_view(
    retrieve=extend_schema(
        summary="Read the hours of a resource",
        description="By the resource's number. Days on which the whole region is closed are in the admin alone.",
        responses={200: ScheduleRow, **errors(400, 404)},
    ),
    replace=extend_schema(
        summary="Replace the hours of a resource",
        description="`exceptions` stay where they are left out. What is booked stays, whatever the hours say now.",
        request=ScheduleBody,
        responses={200: ScheduleRow, **errors(400, 404, 413, 415)},
    ),
)
class ScheduleViewSet(BookingViewSet):
    """When the resources of the token's regions are open."""

    queryset = Resource.objects.select_related("region").prefetch_related("hours", "exceptions")
    serializer_class = ScheduleRow
    required_verbs = {"retrieve": READ, "replace": WRITE}
    portal_actions = frozenset({"retrieve"})

    def get_queryset(self) -> QuerySet[Resource]:
        return self.visible(super().get_queryset())

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @action(detail=True, methods=["post"])
    def replace(self, request: Request, pk: str) -> Response:
        resource = self.get_object()
        values = self.body(ScheduleBody)
        put_schedule(resource, values["hours"], values.get("exceptions"))
        return Response(self.get_serializer(self.get_object()).data)
