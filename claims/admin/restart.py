"""Going on with a night: each way with its forecast end, a question, and the restart."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from backoffice.access import may_run
from backoffice.runs.admin.runs import redirect_to_run
from backoffice.runs.control import restart_run
from backoffice.runs.models import StepState
from backoffice.runs.reopening import reopening
from claims.forecast import Choice, Forecast, forecast
from claims.forecast_words import slack_in_words
from claims.jobs import RUN_PIPELINE
from claims.ledger import ADJUDICATE
from claims.models import Night
from claims.rejects import wait_again

DECIDES_ANEW = ("extract", "validate")


def restart_page(request: HttpRequest, night: Night, each_context: Callable[[HttpRequest], Any]) -> HttpResponse:
    """GET: the choices. POST with a choice: the question; POST that is sure: the restart."""
    if not may_run(request.user, RUN_PIPELINE.start_verb):
        raise PermissionDenied
    shown = forecast(night.region, night.run_date)
    chosen = _chosen(request, shown)
    run, user = shown.run, cast(User, request.user)
    if run is not None and chosen is not None and "sure" in request.POST:
        return redirect_to_run(request, run, lambda: restart_run(run, user=user, from_step=chosen.step))
    if request.method == "POST" and chosen is None and "back" not in request.POST:
        messages.error(request, "Choose how to go on.")
    undone = _undone(night, chosen) if chosen else []
    ask = chosen is not None and "back" not in request.POST
    context = {
        **each_context(request),
        "title": f"Restart the night of {night.run_date}, {night.region.display_name}",
        "job": RUN_PIPELINE,
        "night": night,
        "forecast": shown,
        "chosen": chosen,
        "choices": [
            {"choice": each, "slack": slack_in_words((shown.window.closes - each.ends).total_seconds())}
            for each in shown.choices
        ],
        "undone": undone,
        "accumulators": any(each["name"] == ADJUDICATE for each in undone),
        "withdrawn": wait_again(night) if chosen and chosen.step in DECIDES_ANEW else 0,
    }
    template = "admin/claims/confirm_restart.html" if ask else "admin/claims/restart.html"
    return TemplateResponse(request, template, context)


def _chosen(request: HttpRequest, shown: Forecast) -> Choice | None:
    """What the form names, if it is one of the choices; "resume" stands for the one without a step."""
    wanted = request.POST.get("step")
    return next((each for each in shown.choices if (each.step or "resume") == wanted), None)


def _undone(night: Night, chosen: Choice) -> list[dict[str, Any]]:
    """The steps whose outputs go before they are made again, each with why: the choice, or which predecessors were
    restarted since it began, with both counts [S2-13]."""
    states = list(StepState.objects.filter(chain=night.chain))
    return [
        {"name": each.state.name, "chosen": each.state.name == chosen.step, "changed": list(each.changed.items())}
        for each in reopening(states, chosen.step)
        if each.undo
    ]
