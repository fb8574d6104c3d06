"""/api/v1/runs/: start, list, watch, stop and restart runs; read their failures."""

import hashlib
import json

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from backoffice.access import may_run
from backoffice.rest.errors import Conflict, Unavailable
from backoffice.rest.openapi import errors
from backoffice.rest.pages import page_of
from backoffice.rest.views import ApiViewSet, of_token, region_of_token
from backoffice.runs.bell import require_queue
from backoffice.runs.control import AlreadyComplete, AlreadyRunning, restart_run, start_run, stop_run
from backoffice.runs.faults import Misuse
from backoffice.runs.job import Json
from backoffice.runs.models import Failure, Run, StepPart
from backoffice.runs.registry import job_named
from backoffice.runs.report import run_report
from backoffice.runs.wire import (
    FailurePage,
    FailureQuery,
    FailureRow,
    RunPage,
    RunQuery,
    RunReport,
    RunRow,
    StartRun,
    run_url,
)

LOCATION = OpenApiParameter(
    "Location", OpenApiTypes.URI, OpenApiParameter.HEADER, response=[201], description="The run."
)
ETAG = OpenApiParameter(
    "ETag", OpenApiTypes.STR, OpenApiParameter.HEADER, response=[200], description="Changes when the answer does."
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of the last answer: 304 if it stands.",
)


@extend_schema_view(
    list=extend_schema(
        summary="List runs, newest first", parameters=[RunQuery], responses={200: RunPage, **errors(400, 404)}
    ),
    create=extend_schema(
        summary="Start a run",
        description="409 when the job has a live run for the same key; the error's `run` says which. 200 with that run "
        "when the job is done once for each key and has been done.",
        request=StartRun,
        parameters=[LOCATION],
        responses={200: RunReport, 201: RunReport, **errors(400, 404, 409, 413, 415, 503)},
    ),
    retrieve=extend_schema(
        summary="Watch a run",
        parameters=[ETAG, IF_NONE_MATCH],
        responses={200: RunReport, 304: OpenApiResponse(description="Nothing changed."), **errors(400, 404)},
    ),
    failures=extend_schema(
        summary="List a run's failures",
        description="Of the whole chain: of the attempts that it continued as well.",
        parameters=[FailureQuery],
        responses={200: FailurePage, **errors(400, 404)},
    ),
    stop=extend_schema(
        summary="Stop a run after its present chunk",
        request=None,
        responses={200: RunReport, **errors(400, 404, 409)},
    ),
    restart=extend_schema(
        summary="Continue a run that was stopped or failed",
        description="A new run of the same chain goes on after the last commit.",
        request=None,
        parameters=[LOCATION],
        responses={201: RunReport, **errors(400, 404, 409, 503)},
    ),
)
class RunViewSet(ApiViewSet):
    """Runs of the token's regions."""

    queryset = Run.objects.select_related("region")
    required_verbs = {
        "list": "runs:read", "retrieve": "runs:read", "failures": "runs:read",
        "create": "runs:start", "restart": "runs:start", "stop": "runs:stop",
    }  # fmt: skip
    queries = {"list": RunQuery, "failures": FailureQuery}

    def get_queryset(self) -> QuerySet[Run]:
        return of_token(super().get_queryset(), self.request)

    def list(self, request: Request) -> Response:
        runs = self.get_queryset()
        if "region" in self.query:
            runs = runs.filter(region=region_of_token(self.query["region"], request))
        runs = runs.filter(**{name: self.query[name] for name in ("job", "status") if name in self.query})
        page = page_of(runs, request, self.query)
        rows = RunRow(page.rows, many=True, context={"request": request})
        return Response({"next": page.next, "results": rows.data})

    def create(self, request: Request) -> Response:
        wanted = StartRun(data=request.data)
        wanted.is_valid(raise_exception=True)
        name, parameters = wanted.validated_data["job"], wanted.validated_data["parameters"]
        region = region_of_token(wanted.validated_data["region"], request)
        _require_role(request, name, parameters)
        try:
            # First, so that what the job refuses is 400 while the queue is away as well.
            job_named(name).parameters(region, parameters)
            _require_queue()
            run = start_run(name, region=region, parameters=parameters, user=self.owner)
        except Misuse as error:
            raise ValidationError({"parameters": [str(error)]}) from None
        except AlreadyRunning as error:
            raise _in_the_way(error, request) from None
        except AlreadyComplete as done:
            return Response(report_of(done.run))
        return _created(run, request)

    def retrieve(self, request: Request, pk: str) -> HttpResponse:
        run = self.get_object()
        etag = etag_of(run)
        unchanged = get_conditional_response(request._request, etag=etag)
        if unchanged is not None and unchanged.status_code == 304:
            unchanged["ETag"] = etag
            return unchanged
        body = report_of(run)
        # A chunk that was committed while the report was read: without an ETag, the next request asks in full.
        return Response(body, headers={"ETag": etag} if etag_of(self.get_object()) == etag else None)

    @action(detail=True)
    def failures(self, request: Request, pk: str) -> Response:
        rows = Failure.objects.filter(run__chain=self.get_object().chain).select_related("resolved_by")
        rows = rows.filter(**{name: self.query[name] for name in ("category", "resolution") if name in self.query})
        page = page_of(rows, request, self.query, ordering="id")
        return Response({"next": page.next, "results": FailureRow(page.rows, many=True).data})

    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        run = self.get_object()
        _require_role(request, run.job, run.parameters)
        try:
            stop_run(run)
        except Misuse as error:
            raise Conflict(str(error), code="not_live") from None
        return Response(report_of(run))

    @action(detail=True, methods=["post"])
    def restart(self, request: Request, pk: str) -> Response:
        run = self.get_object()
        _require_role(request, run.job, run.parameters)
        _require_queue()
        try:
            again = restart_run(run, user=self.owner)
        except Misuse as error:
            raise Conflict(str(error), code="not_restartable") from None
        except AlreadyRunning as error:
            raise _in_the_way(error, request) from None
        return _created(again, request)


def report_of(run: Run) -> Json:
    """run_report without what changes by the mere passing of time, so that equal counters give an equal answer."""
    report = run_report(run)
    return {**report, "progress": {name: n for name, n in report["progress"].items() if name != "heartbeat_age"}}


def etag_of(run: Run) -> str:
    """A strong ETag from the committed counters of the run's chain: two small queries, whatever the run's size."""
    parts = StepPart.objects.filter(step__chain=run.chain).values_list(
        "pk", "checkpoint_number", "read", "outcomes", "totals", "done", "of", "label", "seconds"
    )
    state = (run.pk, run.status, run.reason, run.detail, run.started_at, run.ended_at, list(parts))
    return f'"{hashlib.sha256(json.dumps(state, cls=DjangoJSONEncoder).encode()).hexdigest()[:32]}"'


def _require_role(request: Request, job_name: str, parameters: Json) -> None:
    """403 unless the token's owner could do this in the admin."""
    if not may_run(request.user, job_named(job_name).start_verb, preview=parameters.get("mode") == "preview"):
        raise PermissionDenied("The role of the token's owner does not start, stop or restart this job.")


def _require_queue() -> None:
    try:
        require_queue()
    except Misuse as error:
        raise Unavailable(str(error)) from None


def _in_the_way(error: AlreadyRunning, request: Request) -> Conflict:
    return Conflict(str(error), code="already_running", run={"id": error.run.pk, "url": run_url(error.run, request)})


def _created(run: Run, request: Request) -> Response:
    location = {"Location": run_url(run, request)}
    return Response(report_of(run), status=HTTP_201_CREATED, headers=location)
