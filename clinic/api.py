"""/api/v1/missing-services/: the worklist, read and resolved by other systems in the name of a token's owner."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.access import may
from backoffice.audit import record_view, record_views
from backoffice.rest.errors import Conflict
from backoffice.rest.openapi import errors
from backoffice.rest.pages import page_of
from backoffice.rest.strict import StrictSerializer
from backoffice.rest.views import ApiViewSet, of_token, region_of_token
from backoffice.runs.faults import Misuse
from clinic.models import MissingService, MissingServiceStatus
from clinic.wire import Dismissal, MissingServicePage, MissingServiceQuery, MissingServiceRow, Reopening
from clinic.worklist import dismiss, reopen
from regions.models import Region

# An expression that is never null: rows whose money is unknown sort below those at which none is at stake.
KNOWN_STAKE = Coalesce(F("at_stake"), Value(Decimal(-1)))
PLACES: Mapping[str, Combinable] = {
    "priority": F("priority"),
    "at_stake": KNOWN_STAKE,
    "start": F("start"),
    "filing_deadline": F("filing_deadline"),
    "id": F("pk"),
}
RESOLUTIONS: Mapping[str, type[StrictSerializer]] = {"dismissed": Dismissal, "open": Reopening}


@extend_schema_view(
    list=extend_schema(
        summary="List missing services, the most urgent money first",
        parameters=[MissingServiceQuery],
        responses={200: MissingServicePage, **errors(400, 404)},
    ),
    retrieve=extend_schema(summary="Read one missing service", responses={200: MissingServiceRow, **errors(400, 404)}),
    resolve=extend_schema(
        summary="Dismiss a missing service, or reopen it",
        request=PolymorphicProxySerializer(
            component_name="Resolution",
            serializers={"dismissed": Dismissal, "open": Reopening},
            resource_type_field_name="resolution",
        ),
        responses={200: MissingServiceRow, **errors(400, 404, 409, 413, 415)},
    ),
)
class MissingServiceViewSet(ApiViewSet):
    """Missing services of the token's regions."""

    queryset = MissingService.objects.select_related("region", "assignee", "dismissed_by")
    serializer_class = MissingServiceRow
    required_verbs = {"list": "missing:read", "retrieve": "missing:read", "resolve": "missing:resolve"}
    queries = {"list": MissingServiceQuery}

    def get_queryset(self) -> QuerySet[MissingService]:
        return of_token(super().get_queryset(), self.request)

    def list(self, request: Request) -> Response:
        ordering = self.query["ordering"]
        rows = self.get_queryset().filter(*self._conditions())
        page = page_of(rows, request, self.query, orderings=PLACES, ordering=ordering, lanes=self._lanes(ordering))
        results = self.get_serializer(page.rows, many=True).data
        if self._shows_patients and page.rows:
            # One entry for the request: it names every row that was shown, and the filters that found them.
            record_views(MissingService, [row.pk for row in page.rows], api_token=request.auth.pk)
        return Response({"next": page.next, "results": results})

    def retrieve(self, request: Request, pk: str) -> Response:
        return self._answer(self.get_object())

    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        if not may(request.user, "resolve"):
            raise PermissionDenied("The role of the token's owner does not resolve missing services.")
        wanted = _resolution(request.data)
        try:
            if wanted["resolution"] == "open":
                changed = reopen(row, self.owner)
            else:
                changed = dismiss(row, self.owner, wanted["reason"], wanted.get("until"))
        except Misuse as error:
            raise ValidationError({"until": [str(error)]}) from None
        if not changed:
            raise Conflict(f"It is {row.status}, which {wanted['resolution']} cannot follow.")
        return self._answer(self.get_object())

    def _answer(self, row: MissingService) -> Response:
        if self._shows_patients:
            record_view(row, api_token=self.request.auth.pk)
        return Response(self.get_serializer(row).data)

    @property
    def _shows_patients(self) -> bool:
        return may(self.request.user, "patient_data")

    def _lanes(self, ordering: str) -> Sequence[Q]:
        """An index of its own for each: they begin with the region, and its status where they are in order of priority.

        Filters that have an index themselves find so few rows that no order has to be ready.
        """
        regions = [Q(region=region) for region in of_token(Region.objects.all(), self.request, path="")]
        if ordering.removeprefix("-") != "priority" or {"status", "blocked_by", "assignee"} & set(self.query):
            return regions
        return [region & Q(status=status) for region in regions for status in MissingServiceStatus.values]

    def _conditions(self) -> Iterator[Q]:
        query = self.query
        for name in ("status", "category", "blocked_by"):
            if name in query:
                yield Q(**{name: query[name]})
        if "region" in query:
            yield Q(region=region_of_token(query["region"], self.request))
        if "assignee" in query:
            yield Q(assignee__username=query["assignee"])
        if "min_at_stake" in query:
            yield Q(at_stake__gte=Decimal(query["min_at_stake"]))
        if "from" in query or "to" in query:
            yield self._between(query.get("from"), query.get("to"))

    def _between(self, begins: date | None, ends: date | None) -> Q:
        """Days are those of each row's own region: one range for each zone that the token's regions lie in."""
        either = Q(pk__in=())
        zones: dict[ZoneInfo, list[int]] = {}
        for region in of_token(Region.objects.all(), self.request, path=""):
            zones.setdefault(region.zone, []).append(region.pk)
        for zone, regions in zones.items():
            there = Q(region__in=regions)
            if begins is not None:
                there &= Q(start__gte=_midnight(begins, zone))
            if ends is not None:
                there &= Q(start__lt=_midnight(ends, zone))
            either |= there
        return either


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """00:00 of that day there, in UTC. The first and the last day of the calendar count as their neighbours."""
    day = min(max(day, date.min + timedelta(days=1)), date.max - timedelta(days=1))
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _resolution(body: Any) -> dict[str, Any]:
    """The body, checked by what its `resolution` asks of it."""
    kind = body.get("resolution") if isinstance(body, dict) else None
    if isinstance(body, dict) and (not isinstance(kind, str) or kind not in RESOLUTIONS):
        raise ValidationError({"resolution": [f"One of: {', '.join(RESOLUTIONS)}."]})
    wanted = RESOLUTIONS[kind or "open"](data=body)
    wanted.is_valid(raise_exception=True)
    return dict(wanted.validated_data)
