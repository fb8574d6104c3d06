"""The buttons of the worklist. Each one calls clinic.worklist or starts a run; none changes a row itself."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from backoffice import audit
from backoffice.access import may
from backoffice.formats import count
from backoffice.lists import is_id
from backoffice.runs.control import AlreadyRunning, start_run
from backoffice.runs.faults import Misuse
from backoffice.runs.job import Json
from backoffice.runs.models import Run
from clinic import worklist
from clinic.admin import confirm
from clinic.export import FORMATS
from clinic.jobs import RECOVER_SERVICES
from clinic.models import MissingService
from regions.models import Region

Rows = QuerySet[MissingService]
REASONS = (
    "Not billable by agreement with the payer",
    "Billed by another system",
    "Visit was not performed as documented",
    "Below the amount worth billing",
)


class DismissForm(forms.Form):
    """Why it shall not be written, and until when; without a day, for good."""

    reason = forms.CharField(
        max_length=200, widget=forms.TextInput({"list": "dismiss-reasons", "autocomplete": "off"}), label="Reason"
    )
    until = forms.DateField(
        required=False, label="Until (optional, included)", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text="The day after, it counts as missing again. Leave it empty to dismiss for good.",
    )  # fmt: skip

    def clean_until(self) -> Any:
        until = self.cleaned_data["until"]
        if until is not None and until <= timezone.now().date():
            raise forms.ValidationError("Choose a day in the future.")
        return until


def allowed(request: HttpRequest) -> dict[str, bool]:
    """What the page offers."""
    return {
        "may_resolve": may(request.user, "resolve"),
        "may_recover": may(request.user, RECOVER_SERVICES.start_verb),
        "may_export": may(request.user, "export"),
    }


def act(request: HttpRequest, context: dict[str, Any], rows: Rows, scope: Rows) -> HttpResponse:
    """Do what the pressed button says, with `rows`; an export takes the whole list, `scope`, where no row is ticked."""
    name = request.POST.get("action", "")
    if name.startswith("export_"):
        return export(request, scope, name.removeprefix("export_"))
    handlers: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
        "recover": (RECOVER_SERVICES.start_verb, recover),
        "assign": ("resolve", assign),
        "dismiss": ("resolve", dismiss),
        "reopen": ("resolve", reopen),
    }
    if name not in handlers:
        messages.error(request, "Choose what to do with the rows.")
        return back(request)
    verb, handler = handlers[name]
    if not may(request.user, verb):
        raise PermissionDenied
    if not rows.exists():
        messages.warning(request, "No row was selected, so nothing was changed.")
        return back(request)
    return handler(request, context, rows)


def back(request: HttpRequest) -> HttpResponse:
    return redirect(origin(request))


def origin(request: HttpRequest) -> str:
    """The page whose button it was, with its filters."""
    row = request.POST.get("from_row", "")
    if is_id(row):
        return reverse("admin:clinic_missingservice_change", args=[int(row)])
    return f"{reverse('admin:clinic_missingservice_changelist')}?{request.GET.urlencode()}"


def assign(request: HttpRequest, context: dict[str, Any], rows: Rows) -> HttpResponse:
    changed = worklist.assign(rows, user_of(request))
    messages.success(request, f"{count(changed, 'row is', 'rows are')} yours now.")
    return back(request)


def reopen(request: HttpRequest, context: dict[str, Any], rows: Rows) -> HttpResponse:
    changed = worklist.reopen(rows, user_of(request))
    if changed:
        messages.success(request, f"{count(changed, 'row')} reopened.")
    else:
        messages.warning(request, "None of these rows is dismissed, so there is nothing to reopen.")
    return back(request)


def dismiss(request: HttpRequest, context: dict[str, Any], rows: Rows) -> HttpResponse:
    """Ask for the reason first; it is what an auditor reads later."""
    form = DismissForm(request.POST if "sure" in request.POST else None)
    if form.is_valid():
        changed = worklist.dismiss(rows, user_of(request), **form.cleaned_data)
        if changed:
            messages.success(request, f"{count(changed, 'row')} dismissed.")
        else:
            messages.warning(request, "None of these rows can be dismissed: they are closed or dismissed already.")
        return back(request)
    context = {
        **context,
        "title": "Dismiss missing services",
        "form": form,
        "rows": list(rows[:200]),
        "reasons": REASONS,
        "from_row": request.POST.get("from_row", ""),
    }
    return TemplateResponse(request, "admin/clinic/dismiss.html", context)


def recover(request: HttpRequest, context: dict[str, Any], rows: Rows) -> HttpResponse:
    """One run for each region among the rows, over just those appointments; asked once more before it is started."""
    if not confirm.is_sure(request):
        kept = [("action", "recover"), ("from_row", request.POST.get("from_row", ""))]
        ticked = [("row", str(pk)) for pk in rows.order_by("pk").values_list("pk", flat=True)]
        return confirm.ask(request, context, rows, [*kept, *ticked], origin(request))
    ordered = list(rows.order_by("region__name", "pk"))
    runs = [
        run
        for region, of_region in groupby(ordered, key=lambda row: row.region)
        if (run := start(request, region, {"only": {"rows": [row.pk for row in of_region]}}))
    ]
    return to_runs(request, runs) or back(request)


def start(request: HttpRequest, region: Region, parameters: Json) -> Run | None:
    """Start the run, or say why it was not started."""
    try:
        return start_run(RECOVER_SERVICES.name, region=region, parameters=parameters, user=user_of(request))
    except (AlreadyRunning, Misuse) as refusal:
        messages.error(request, f"{region.display_name}: {refusal}")
        return None


def to_runs(request: HttpRequest, runs: Iterable[Run]) -> HttpResponse | None:
    started = list(runs)
    if len(started) == 1:
        return redirect(reverse("admin:runs_run_change", args=[started[0].pk]))
    if started:
        messages.success(request, f"{count(len(started), 'run')} started, one for each region.")
        return redirect(reverse("admin:runs_run_changelist"))
    return None


def export(request: HttpRequest, rows: Rows, suffix: str) -> HttpResponse:
    """The rows as a file; who took them out stands in the audit log."""
    if not may(request.user, "export"):
        raise PermissionDenied
    write = FORMATS.get(suffix)
    if write is None:
        messages.error(request, "Choose CSV or XLSX.")
        return back(request)
    audit.record_views(MissingService, rows.values_list("pk", flat=True), export=suffix)
    return write(rows)


def user_of(request: HttpRequest) -> User:
    return cast(User, request.user)
