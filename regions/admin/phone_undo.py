"""Undoing a phone sync from the admin: what will be put back, what will not, and the question."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from backoffice.access import requires, scoped
from backoffice.runs.admin.runs import redirect_to_run
from backoffice.runs.control import start_run
from backoffice.runs.models import Run
from regions.jobs import SYNC_PHONES
from regions.sync.scope import UNDO
from regions.sync.undoing import undoable

WRITES = "write"


@requires(SYNC_PHONES.start_verb)
def undo_page(request: HttpRequest, pk: int, each_context: Any) -> HttpResponse:
    """GET: what an undo comes to. POST: the undo, as a run of its own."""
    run = scoped(Run.objects.filter(job=SYNC_PHONES.name), request.user).select_related("region").filter(pk=pk).first()
    if run is None or run.parameters.get("mode") != WRITES:
        raise Http404
    if request.method == "POST":
        parameters = {"mode": UNDO, "run": run.pk}
        return redirect_to_run(
            request,
            run,
            lambda: start_run(SYNC_PHONES.name, region=run.region, parameters=parameters, user=request.user),  # type: ignore[arg-type]
        )
    context = {
        **each_context(request),
        "title": f"Undo run {run.pk}",
        "run": run,
        "what": undoable(run),
    }
    return TemplateResponse(request, "admin/regions/confirm_undo.html", context)
