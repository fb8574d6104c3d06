"""Starting a night from the admin: its run date and its partitions."""

from datetime import date
from typing import Any, cast

from django import forms
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from backoffice.access import requires, scoped
from backoffice.runs.admin.starting import started
from backoffice.runs.job import Json
from claims.admin.batches import may_load
from claims.jobs import RUN_PIPELINE
from claims.models import StagedBatch
from claims.window import run_date_at
from regions.admin.choosing import RegionField
from regions.models import Region


class NightForm(forms.Form):
    """The job itself judges whether the night may be run."""

    region = RegionField(Region.objects.none(), empty_label="Choose a region")
    run_date = forms.DateField(
        label="Run date", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text="The day on which the window opens, at 22:00 in the region's zone.",
    )  # fmt: skip
    partitions = forms.IntegerField(
        min_value=1, max_value=64, initial=1,
        help_text="Parts that members are divided into from enrich on; as many workers can work at once.",
    )  # fmt: skip

    def __init__(self, *args: Any, regions: list[Region], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(RegionField, self.fields["region"])
        field.queryset = Region.objects.filter(pk__in=[region.pk for region in regions])
        if len(regions) == 1:
            field.initial = regions[0]
            self.fields["run_date"].initial = tonight(regions[0])

    def parameters(self) -> Json:
        return {"run_date": self.cleaned_data["run_date"].isoformat(), "partitions": self.cleaned_data["partitions"]}


def tonight(region: Region) -> date:
    return run_date_at(timezone.now(), region.zone)


def waiting(region: Region) -> Json:
    """How many lines wait for tonight, and how many for nights after it."""
    night = tonight(region)
    lines, with_later = (
        StagedBatch.waiting_for(region, run_date).aggregate(lines=Sum("lines", default=0))["lines"]
        for run_date in (night, None)
    )
    return {"region": region, "night": night, "lines": lines, "later": with_later - lines}


@requires(RUN_PIPELINE.start_verb)
def start_night(request: HttpRequest, each_context: Any) -> HttpResponse:
    """GET: the form, with what waits. POST: the run."""
    regions = list(scoped(Region.objects.all(), request.user, ""))
    form = NightForm(request.POST or None, regions=regions)
    if request.method == "POST" and form.is_valid():
        return started(request, RUN_PIPELINE, form)
    context = {
        **each_context(request),
        "title": "Start a night",
        "job": RUN_PIPELINE,
        "form": form,
        "may_load": may_load(request),
        "waiting": [waiting(region) for region in regions],
    }
    return TemplateResponse(request, "admin/claims/start.html", context)
