"""Undoing a night from its page: the question, with what it takes away and puts back, and the start of the undo."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from backoffice.access import may_run
from backoffice.runs.admin.runs import redirect_to_run
from backoffice.runs.control import abandon_stale_runs, start_run
from backoffice.runs.faults import Misuse
from claims.jobs import RUN_PIPELINE, UNDO_PIPELINE
from claims.models import Night
from claims.preview import Standing, standing, what_goes


class UndoForm(forms.Form):
    release = forms.BooleanField(
        required=False, label="Free its date as well",
        help_text="Its lines wait for the next night again, as if it had never begun. Otherwise it keeps them, and can"
        " be run again.",
    )  # fmt: skip


def undo_page(request: HttpRequest, night: Night, each_context: Callable[[HttpRequest], Any]) -> HttpResponse:
    """GET: the question, or why it cannot be. POST: the undo."""
    if not may_run(request.user, RUN_PIPELINE.start_verb):
        raise PermissionDenied
    abandon_stale_runs()
    form = UndoForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _undo(request, night, free=form.cleaned_data["release"])
    found = standing(night)
    context = {
        **each_context(request),
        "job": UNDO_PIPELINE,
        "title": f"Undo the night of {night.run_date}, {night.region.display_name}",
        "night": night,
        "standing": found,
        "goes": what_goes(found),
        "refusal": _refusal(found),
        "form": form,
    }
    return TemplateResponse(request, "admin/claims/confirm_undo.html", context)


def _refusal(found: Standing) -> str:
    if found.run is None or found.undone:
        return ""
    if found.run.live:
        return f"Run {found.run.pk} is {found.run.status}. Stop it first."
    try:
        RUN_PIPELINE.undoable(found.run)
    except Misuse as refusal:
        return str(refusal)
    return ""


def _undo(request: HttpRequest, night: Night, *, free: bool) -> HttpResponse:
    """Who did it stands in the audit log, with the run and with each batch that waits again."""
    user = cast(User, request.user)
    parameters = {"run_date": night.run_date.isoformat(), "release": free}
    return redirect_to_run(
        request, None, lambda: start_run(UNDO_PIPELINE.name, region=night.region, parameters=parameters, user=user)
    )
