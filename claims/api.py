"""/api/v1/nights/ and /api/v1/accumulators/search/: how far a night is, and what stands for a member."""

import hashlib
import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from backoffice.access import may
from backoffice.rest.errors import Conflict
from backoffice.rest.openapi import errors
from backoffice.rest.pages import page_of
from backoffice.rest.views import ApiViewSet, of_token, region_of_token
from backoffice.runs.admin.runs import read_and_failed
from backoffice.runs.api import ETAG, IF_NONE_MATCH
from backoffice.runs.models import Run
from backoffice.runs.wire import run_url
from claims.controls import Control, controls, last_runs
from claims.forecast import forecast
from claims.forecast_words import as_json
from claims.ledger import current, holder, record_ledger_view
from claims.models import Night
from claims.pace import states_of
from claims.wire import Accumulators, MemberSearch, NightPage, NightQuery, NightReport, NightRow


@extend_schema_view(
    list=extend_schema(
        summary="List nights, newest first", parameters=[NightQuery], responses={200: NightPage, **errors(400, 404)}
    ),
    retrieve=extend_schema(
        summary="Watch a night",
        description="Its steps, counts, forecast end and slack to the deadline.",
        parameters=[ETAG, IF_NONE_MATCH],
        responses={200: NightReport, 304: OpenApiResponse(description="Nothing changed."), **errors(400, 404)},
    ),
)
class NightViewSet(ApiViewSet):
    """Nights of the token's regions."""

    queryset = Night.objects.select_related("region")
    required_verbs = {"list": "claims:read", "retrieve": "claims:read"}
    queries = {"list": NightQuery}

    def get_queryset(self) -> QuerySet[Night]:
        return of_token(super().get_queryset(), self.request)

    def list(self, request: Request) -> Response:
        nights = self.get_queryset()
        if "region" in self.query:
            nights = nights.filter(region=region_of_token(self.query["region"], request))
        page = page_of(nights, request, self.query)
        runs = last_runs(page.rows)
        rows = [row_of(night, runs.get(night.chain), request) for night in page.rows]
        return Response({"next": page.next, "results": NightRow(rows, many=True).data})

    def retrieve(self, request: Request, pk: str) -> HttpResponse:
        body = report_of(self.get_object(), request)
        etag = f'"{hashlib.sha256(json.dumps(body, cls=DjangoJSONEncoder).encode()).hexdigest()[:32]}"'
        unchanged = get_conditional_response(request._request, etag=etag)
        if unchanged is not None and unchanged.status_code == 304:
            unchanged["ETag"] = etag
            return unchanged
        return Response(body, headers={"ETag": etag})


@extend_schema_view(
    search=extend_schema(
        summary="Read a member's accumulators",
        description="What stands now, by benefit year. 409 with the code `held` while a night's adjudicate step has "
        "begun and is not complete: what stands is half done. The member's id is in the body, never in an address.",
        request=MemberSearch,
        responses={200: Accumulators, **errors(400, 404, 409, 413, 415)},
    )
)
class AccumulatorViewSet(ApiViewSet):
    """Accumulators of the token's regions."""

    queryset = Night.objects.none()
    required_verbs = {"search": "claims:read"}

    @action(detail=False, methods=["post"])
    def search(self, request: Request) -> Response:
        wanted = MemberSearch(data=request.data)
        wanted.is_valid(raise_exception=True)
        region = region_of_token(wanted.validated_data["region"], request)
        member = wanted.validated_data["member_id"]
        if not may(request.user, "patient_data"):
            raise PermissionDenied("The role of the token's owner does not see data of patients.")
        if night := holder(region):
            raise _held(night, request)
        years = [
            {
                "benefit_year": year,
                "deductible_met": found.deductible,
                "out_of_pocket_met": found.out_of_pocket,
                "visits": found.visits,
            }
            for year, found in current(region, member).items()
        ]
        if night := holder(region):  # it began while they were read
            raise _held(night, request)
        record_ledger_view(region, member, api_token=request.auth.pk)
        return Response(Accumulators({"region": region.name, "years": years}).data)


def _held(night: Night, request: Request) -> Conflict:
    run = last_runs([night]).get(night.chain)
    return Conflict(
        f"The night of {night.run_date} holds the accumulators until its adjudicate step is complete.",
        code="held",
        run={"id": run.pk, "url": run_url(run, request)} if run else None,
    )


def row_of(night: Night, run: Run | None, request: Request) -> dict[str, Any]:
    return {
        "id": night.pk,
        "url": reverse("night-detail", args=(night.pk,), request=request),
        "region": night.region.name,
        "run_date": night.run_date,
        "run": run.pk if run else None,
        "status": run.status if run else "not begun",
    }


def report_of(night: Night, request: Request) -> dict[str, Any]:
    """As NightReport describes it."""
    shown = forecast(night.region, night.run_date)
    told = as_json(shown)
    rows = {control.name: control for control in controls(states_of(shown.run))}
    figures = read_and_failed([shown.run])[shown.run.chain] if shown.run else {}
    steps = [{**step, **_control(rows.get(step["name"]))} for step in told["steps"]]
    report = {
        **row_of(night, shown.run, request),
        **{name: told[name] for name in ("lines", "opens", "deadline", "ends", "slack_minutes", "capacity")},
        "partitions": night.partitions,
        "counts": {name: figures.get(name, 0) for name in ("paid", "denied", "rejected")},
        "steps": steps,
    }
    # Texts of times are taken as they are.
    return {**report, "run_date": night.run_date.isoformat()}


def _control(row: Control | None) -> dict[str, Any]:
    if row is None:
        return {"records_in": 0, "restarts": 0, "predecessors": {}, "verified": False, "outputs": []}
    return {
        "records_in": row.records_in,
        "restarts": row.restarts,
        "predecessors": row.seen,
        "verified": row.verified,
        "outputs": [
            {
                "name": each.name,
                "records": each.records,
                "dollars": None if each.dollars is None else str(each.dollars),
                "digest": each.digest,
            }
            for each in row.outputs
        ],
    }
