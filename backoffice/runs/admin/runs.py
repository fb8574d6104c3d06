"""Runs in the admin: the list, the page of one run that keeps itself up to date, and its buttons."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from backoffice.access import may_run
from backoffice.lists import Filter, Listing, by, region_choices
from backoffice.live import live_answer
from backoffice.runs import control
from backoffice.runs.faults import Misuse
from backoffice.runs.models import LIVE, Failure, Run, RunStatus, StepPart, StepState
from backoffice.runs.registry import JOBS, job_named
from backoffice.runs.report import run_report
from backoffice.runs.words import STATUS, parameters_said, said
from backoffice.staffadmin import StaffAdmin

FAILED = "failed"


def job_choices(request: HttpRequest) -> Sequence[tuple[str, str]]:
    return [(name, job_named(name).title) for name in JOBS]


RUN_FILTERS = (
    Filter(name="job", title="Job", apply=by("job"), choices=job_choices),
    Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
    Filter(
        name="status",
        title="Status",
        apply=by("status"),
        choices=lambda request: [(str(status), STATUS[status].title) for status in RunStatus],
    ),
)


def read_and_failed(runs: Sequence[Run]) -> dict[Any, Counter[str]]:
    """{chain: figures}: what each run's chain has read, and its outcomes; `failed` is the number of its failures where
    the job has several outcomes that are one. Two queries."""
    figures: dict[Any, Counter[str]] = {run.chain: Counter() for run in runs}
    parts = StepPart.objects.filter(step__chain__in=figures).values_list("step__chain", "read", "outcomes")
    for chain, read, outcomes in parts:
        figures[chain].update(outcomes)
        figures[chain]["read"] += read
    several = [run.chain for run in runs if FAILED not in job_named(run.job).outcomes]
    failures = Failure.objects.filter(run__chain__in=several).order_by().values_list("run__chain")
    for chain, number in failures.annotate(n=Count("pk")):
        figures[chain][FAILED] = number
    return figures


def run_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Rows of a table of runs."""
    figures = read_and_failed(runs)
    return [
        {
            "run": run,
            "said": said(run),
            "title": job_named(run.job).title,
            "figures": figures[run.chain],
            "seconds": lasted(run),
        }
        for run in runs
    ]


def lasted(run: Run) -> float | None:
    """Seconds from its start to its end, or to now; None while it waits."""
    return ((run.ended_at or timezone.now()) - run.started_at).total_seconds() if run.started_at else None


def startable(request: HttpRequest) -> list[tuple[str, str]]:
    """(title, address of the form) of the jobs that the user may start; a job without a form has its command only."""
    found = []
    for job in map(job_named, JOBS):
        if may_run(request.user, job.start_verb):
            with suppress(NoReverseMatch):
                found.append((job.title, reverse(f"admin:start_{job.name}")))
    return found


@admin.register(Run)
class RunAdmin(StaffAdmin):
    """Read only: every change goes through backoffice.runs.control."""

    list_select_related = ("region", "started_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "started_by")

    def get_urls(self) -> list[URLPattern]:
        def button(name: str, act: Callable[[HttpRequest, Run], Run]) -> URLPattern:
            return path(
                f"<int:pk>/{name}/", require_POST(self.admin_site.admin_view(self._button(act))), name=f"run_{name}"
            )

        return [
            path("<int:pk>/live/", self.admin_site.admin_view(self.live), name="run_live"),
            button("stop", lambda request, run: control.stop_run(run)),
            button("restart", lambda request, run: control.restart_run(run, user=request.user)),  # type: ignore[arg-type]
            button("failed_only", start_failed_only),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        listing = Listing(request, self.get_queryset(request), RUN_FILTERS)
        context = {
            **self.admin_site.each_context(request),
            "title": "Runs",
            "listing": listing,
            "rows": run_rows(list(listing.page)),
            "startable": startable(request),
        }
        return TemplateResponse(request, "admin/runs/list.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run: Run = self.row_or_404(request, object_id)
        control.abandon_stale_runs()
        run.refresh_from_db()
        context = {
            **self.admin_site.each_context(request),
            **page_of(request, run),
            "title": f"{job_named(run.job).title}, run {run.pk}",
        }
        return TemplateResponse(request, "admin/runs/run.html", context)

    def live(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that changes, as HTML with an ETag: 304 while nothing has been committed since."""
        run: Run = self.row_or_404(request, str(pk))
        if run.live:
            control.abandon_stale_runs()
            run.refresh_from_db()
        # What ticks is left to the script: written here, each answer would be another one.
        html = render_to_string("admin/runs/live.html", {**page_of(request, run), "by_script": True}, request)
        return live_answer(request, html)

    def _button(self, act: Callable[[HttpRequest, Run], Run]) -> Callable[[HttpRequest, int], HttpResponse]:
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            run: Run = self.row_or_404(request, str(pk))
            if not may_control(request, run):
                raise PermissionDenied
            return redirect_to_run(request, run, lambda: act(request, run))

        return view


def may_control(request: HttpRequest, run: Run) -> bool:
    """Whether the user may stop, restart and repeat this run."""
    return may_run(request.user, job_named(run.job).start_verb, preview=run.parameters.get("mode") == "preview")


def start_failed_only(request: HttpRequest, run: Run) -> Run:
    """A new run of just the items that failed in this one. Misuse where the job cannot, or nothing failed."""
    job = job_named(run.job)
    if job.failed_only is None:
        raise Misuse(f"{job.title} cannot be run for single items.")
    return control.start_run(job.name, region=run.region, parameters=job.failed_only(run), user=request.user)  # type: ignore[arg-type]


def redirect_to_run(request: HttpRequest, shown: Run | None, act: Callable[[], Run]) -> HttpResponseRedirect:
    """Do it and go to the run that came of it; what was refused is said on the page of the run in question."""
    run = carried_out(request, shown, act)
    return redirect(reverse("admin:runs_run_change", args=[run.pk]) if run else request.get_full_path())


def carried_out(request: HttpRequest, shown: Run | None, act: Callable[[], Run]) -> Run | None:
    """Do it: the run that came of it, or the one in question, else `shown`; what was refused is a message."""
    try:
        return act()
    except (control.AlreadyRunning, control.AlreadyComplete) as refusal:
        messages.warning(request, f"Not started: {refusal}")
        return refusal.run
    except Misuse as refusal:
        messages.error(request, str(refusal))
        return shown


def page_of(request: HttpRequest, run: Run) -> dict[str, Any]:
    """What the page of a run shows, the same for the whole page and for the part that renews itself."""
    job = job_named(run.job)
    report = run_report(run)
    allowed = may_control(request, run)
    attempts = list(Run.objects.filter(chain=run.chain).select_related("started_by").order_by("attempt"))
    last = attempts[-1].pk == run.pk
    return {
        "run": run,
        "job": job,
        "said": said(run),
        "report": report,
        "attempts": [{"run": attempt, "said": said(attempt)} for attempt in attempts],
        "latest": attempts[-1],
        "steps": StepState.objects.filter(chain=run.chain) if len(job.steps) > 1 else (),
        "failed": sum(sum(reasons.values()) for reasons in report["failures"].values()),
        **StepPart.objects.filter(step__chain=run.chain).aggregate(
            chunks=Sum("checkpoint_number", default=0), heartbeat_at=Max("heartbeat_at")
        ),
        "parameters": parameters_said(job, run),
        "body": [f"admin/runs/{run.job}.html", "admin/runs/any_job.html"],
        "can_stop": allowed and run.status in LIVE and run.status != RunStatus.STOPPING,
        "can_restart": allowed and run.restartable and last,
        "can_write": may_run(request.user, job.start_verb),
        "can_repeat": allowed and job.failed_only is not None and bool(report["failures"]) and not run.live,
    }
