"""The lab in the admin: start it, watch it, and take its evidence out. All claims in it are made up, so a role that may
see anything may see it; who may start any job may start it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from backoffice.access import may_run, requires
from backoffice.lab import report
from backoffice.lab.jobs import FAILURE_LAB, NAME, report_of
from backoffice.live import live_answer
from backoffice.runs import control
from backoffice.runs.admin.runs import carried_out
from backoffice.runs.models import LIVE, Run, RunStatus
from backoffice.runs.report import run_report
from backoffice.runs.words import said

SHIPPED = Path(settings.BASE_DIR) / "docs" / "failure-lab.json"
LAST = 10
KINDS: dict[str, tuple[str, Callable[[report.Json], str]]] = {
    "html": ("text/html; charset=utf-8", report.as_html),
    "json": ("application/json", report.as_json),
}


@require_safe
@requires("see")
def page(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The report of one run, of the last one, or the one that came with the product."""
    control.abandon_stale_runs()
    runs = _last_runs()
    run = _run(pk) if pk is not None else (runs[0] if runs else None)
    context = {
        **admin.site.each_context(request),
        **_shown(request, run),
        "title": "Failure lab",
        "job": FAILURE_LAB,
        "runs": [{"run": each, "said": said(each), "outcomes": run_report(each)["outcomes"]} for each in runs],
        "may_start": may_run(request.user, FAILURE_LAB.start_verb) and not any(each.live for each in runs),
    }
    return TemplateResponse(request, "admin/lab/page.html", context)


@require_safe
@requires("see")
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that changes."""
    control.abandon_stale_runs()
    return live_answer(request, render_to_string("admin/lab/live.html", _shown(request, _run(pk)), request))


@require_POST
@requires(FAILURE_LAB.start_verb)
def start(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    return _redirect(request, None, lambda: control.start_run(NAME, region=None, parameters={}, user=user))


@require_POST
@requires(FAILURE_LAB.start_verb)
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(pk)
    return _redirect(request, run, lambda: control.stop_run(run))


@require_POST
@requires(FAILURE_LAB.start_verb)
def restart(request: HttpRequest, pk: int) -> HttpResponse:
    run, user = _run(pk), cast(User, request.user)
    return _redirect(request, run, lambda: control.restart_run(run, user=user))


@require_safe
@requires("see")
def download(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    return _file(report_of(_run(pk)), f"failure-lab-{pk}", kind)


@require_safe
@requires("see")
def download_shipped(request: HttpRequest, kind: str) -> HttpResponse:
    return _file(_shipped(), "failure-lab", kind)


def _last_runs() -> list[Run]:
    """The last attempt of each chain, newest first."""
    found: dict[Any, Run] = {}
    for run in Run.objects.filter(job=NAME).select_related("started_by").order_by("-pk")[: LAST * 5]:
        found.setdefault(run.chain, run)
    return list(found.values())[:LAST]


def _run(pk: int) -> Run:
    return get_object_or_404(Run.objects.select_related("started_by"), job=NAME, pk=pk)


def _shown(request: HttpRequest, run: Run | None) -> dict[str, Any]:
    found = report_of(run) if run else _shipped()
    allowed = may_run(request.user, FAILURE_LAB.start_verb)
    last = run is not None and not Run.objects.filter(chain=run.chain, attempt__gt=run.attempt).exists()
    return {
        "run": run,
        "said": said(run) if run else None,
        "progress": run_report(run)["progress"] if run else None,
        **(report.summary(found) if found else {}),
        "whole": run is None or run.status == RunStatus.COMPLETE,
        "can_stop": allowed and run is not None and run.status in LIVE and run.status != RunStatus.STOPPING,
        "can_restart": allowed and run is not None and run.restartable and last,
    }


def _shipped() -> report.Json | None:
    """The report that came with the product; None where somebody has changed it by hand, or taken it away."""
    if not SHIPPED.exists():
        return None
    found = report.read(SHIPPED)
    return found if report.seal(found) == found["seal"] else None


def _file(found: report.Json | None, name: str, kind: str) -> HttpResponse:
    if found is None or kind not in KINDS:
        raise Http404
    content_type, written = KINDS[kind]
    disposition = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return HttpResponse(written(found), content_type=content_type, headers=disposition)


def _redirect(request: HttpRequest, shown: Run | None, act: Callable[[], Run]) -> HttpResponseRedirect:
    """Do it and go to the page of the run that came of it; what was refused is said there."""
    run = carried_out(request, shown, act)
    return redirect(reverse("failure-lab-run", args=[run.pk]) if run else reverse("failure-lab"))
