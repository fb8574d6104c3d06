"""Nights that are run again from their list: the range of those that were chosen, what it would undo, and the start."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.access import requires, scoped
from backoffice.lists import is_id
from backoffice.runs.admin.runs import redirect_to_run
from backoffice.runs.control import abandon_stale_runs, start_run
from backoffice.runs.faults import Misuse
from backoffice.runs.job import Json
from claims.again import nights_between
from claims.jobs import MOST_PARTITIONS, RERUN_PIPELINE, range_parameters
from claims.models import Night
from claims.preview import standing, total_in_words, what_goes
from regions.models import Region


class AgainForm(forms.Form):
    partitions = forms.IntegerField(
        min_value=1, max_value=MOST_PARTITIONS, required=False,
        help_text="Parts that members are divided into from enrich on. Empty: as many as each night has now.",
    )  # fmt: skip


@requires(RERUN_PIPELINE.start_verb)
def again_page(request: HttpRequest, each_context: Callable[[HttpRequest], Any]) -> HttpResponse:
    """POST with nights: the preview, which is the question; POST that is sure: the run. Another region's night is not
    there (404)."""
    back = redirect(reverse("admin:claims_night_changelist"))
    if request.method != "POST":
        return back
    ticked = {int(text) for text in request.POST.getlist("row") if is_id(text)}
    if not ticked:
        messages.warning(request, "No night was selected, so nothing was changed.")
        return back
    chosen = list(scoped(Night.objects.select_related("region"), request.user).filter(pk__in=ticked))
    if len(chosen) < len(ticked):
        raise Http404
    abandon_stale_runs()
    region = chosen[0].region
    try:
        parameters = _range(region, chosen)
    except Misuse as refusal:
        messages.error(request, str(refusal))
        return back
    form = AgainForm(request.POST if "sure" in request.POST else None)
    if form.is_valid():
        return _start(request, region, {**parameters, **_partitions(form)})
    title = f"Run nights of {region.display_name} again"
    context = {**each_context(request), "title": title, "job": RERUN_PIPELINE, "form": form, **_preview(region, chosen)}
    return TemplateResponse(request, "admin/claims/confirm_again.html", context)


def _range(region: Region, chosen: list[Night]) -> Json:
    """From the first of them to the last; Misuse where these cannot be run again."""
    if any(night.region_id != region.pk for night in chosen):
        raise Misuse("Choose nights of one region: those of each region follow each other.")
    dates = [night.run_date for night in chosen]
    return range_parameters(region, {"from": min(dates).isoformat(), "to": max(dates).isoformat()})


def _partitions(form: AgainForm) -> Json:
    partitions = form.cleaned_data["partitions"]
    return {"partitions": partitions} if partitions else {}


def _start(request: HttpRequest, region: Region, parameters: Json) -> HttpResponse:
    user = cast(User, request.user)
    return redirect_to_run(
        request, None, lambda: start_run(RERUN_PIPELINE.name, region=region, parameters=parameters, user=user)
    )


def _preview(region: Region, chosen: list[Night]) -> dict[str, Any]:
    """Every night of the range, also those between that were not chosen."""
    dates = [night.run_date for night in chosen]
    nights = list(nights_between(region.pk, min(dates), max(dates)).order_by("run_date"))
    found = [standing(night) for night in nights]
    return {
        "region": region,
        "chosen": chosen,
        "between": len(nights) - len(chosen),
        "rows": [{"standing": each, "goes": what_goes(each)} for each in found],
        "total": total_in_words(found),
    }
