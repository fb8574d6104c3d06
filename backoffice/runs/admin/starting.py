"""The page on which a job is started: its form, and the question before anything is written."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from backoffice.runs.admin.runs import redirect_to_run
from backoffice.runs.control import start_run
from backoffice.runs.job import Job
from backoffice.runs.models import Run


def start_page(
    request: HttpRequest, job: Job, form: Any, context: dict[str, Any], *, template: str, question: str
) -> HttpResponse:
    """GET: the form. POST: a preview starts at once; a run that writes asks first, with the form's `summary()`.

    The form has `region` and `mode`, and `parameters()` as the job takes them.
    """
    ready = request.method == "POST" and form.is_valid()
    if ready and (form.cleaned_data["mode"] == "preview" or "sure" in request.POST):
        return started(request, job, form)
    ask = ready and "back" not in request.POST
    context = {**context, "job": job, "form": form, "summary": form.summary() if ask else None}
    return TemplateResponse(request, question if ask else template, context)


def started(request: HttpRequest, job: Job, form: forms.Form) -> HttpResponse:
    """Start what the form says, and go to its run."""
    region, parameters = form.cleaned_data["region"], form.parameters()  # type: ignore[attr-defined]

    def start() -> Run:
        return start_run(job.name, region=region, parameters=parameters, user=request.user)  # type: ignore[arg-type]

    return redirect_to_run(request, None, start)
