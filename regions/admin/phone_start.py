"""Starting a phone sync from the admin: the rows, and the question before anything is written."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.http import HttpRequest, HttpResponse

from backoffice.access import may_run, requires, scoped
from backoffice.runs.admin.starting import start_page
from backoffice.runs.faults import ConfigError
from backoffice.runs.job import Json
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from regions.admin.choosing import RegionField, offer_regions
from regions.connections import sync_values
from regions.jobs import SYNC_PHONES
from regions.models import Region
from regions.sync.scope import PREVIEW

ALL, SOME = "all", "some"
WRITE = "write"
MOST = 9_999_999


class SyncForm(forms.Form):
    """All rows of the region's sheet, or some; the job itself judges the rest."""

    region = RegionField(Region.objects.none(), empty_label="Choose a region")
    which = forms.ChoiceField(
        choices=[(ALL, "All rows of the region's sheet"), (SOME, "From one row to another")],
        widget=forms.RadioSelect,
        initial=ALL,
        label="Which rows",
    )
    first = forms.IntegerField(min_value=2, max_value=MOST, required=False, label="First row")
    last = forms.IntegerField(min_value=2, max_value=MOST, required=False, label="Last row (included)")
    mode = forms.ChoiceField(
        choices=[
            (PREVIEW, "Preview: shows each patient's number before and after, writes nothing"),
            (WRITE, "Write the numbers to the region's FHIR server, and tell the sheet what became of each row"),
        ],
        widget=forms.RadioSelect,
        initial=PREVIEW,
        label="What it does",
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_regions(self, request)
        self.may_write = may_run(request.user, SYNC_PHONES.start_verb)

    def clean_region(self) -> Region:
        region: Region = self.cleaned_data["region"]
        try:
            sync_values(region)
        except ConfigError as lack:
            raise forms.ValidationError(str(lack)) from None
        return region

    def clean_mode(self) -> str:
        mode: str = self.cleaned_data["mode"]
        if mode != PREVIEW and not self.may_write:
            raise forms.ValidationError("Your role may preview; operators and engineers may write.")
        return mode

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("which") == SOME:
            for name in ("first", "last"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, "Say which row, as the sheet counts them; row 1 names the columns.")
            if data.get("first") and data.get("last") and data["first"] > data["last"]:
                self.add_error("last", "The last row has to be the first one, or come after it.")
        return data

    def parameters(self) -> Json:
        """As the job takes them."""
        data = self.cleaned_data
        rows = {"rows": f"{data['first']}:{data['last']}"} if data["which"] == SOME else {}
        return {"mode": data["mode"], **rows}

    def summary(self) -> dict[str, Any]:
        """What is about to happen, for the question."""
        region: Region = self.cleaned_data["region"]
        values = sync_values(region)
        return {
            "region": region,
            "rows": self.parameters().get("rows", "").replace(":", " to "),
            "sheet": values["SPREADSHEET_ID"],
            "worksheet": values.get("WORKSHEET_ID", ""),
            "server": urlsplit(values["FHIR_SERVER_URL"]).netloc,
            **_previewed(region, {**self.parameters(), "mode": PREVIEW}),
        }


def _previewed(region: Region, parameters: Json) -> dict[str, Any]:
    """The last preview of the same rows: what it found tells what is about to be written."""
    runs = Run.objects.filter(job=SYNC_PHONES.name, region=region, status=RunStatus.COMPLETE)
    last = next((run for run in runs[:20] if run.parameters == parameters), None)
    return {"preview": last, "would_update": run_report(last)["totals"].get("would_update", 0) if last else 0}


def given(request: HttpRequest) -> dict[str, Any]:
    """What a link to the form has chosen already: region, rows as 2:500, mode."""
    first, _, last = request.GET.get("rows", "").partition(":")
    region = scoped(Region.objects.all(), request.user, "").filter(name=request.GET.get("region", "")).first()
    chosen = {
        "region": region,
        "mode": request.GET.get("mode"),
        **({"which": SOME, "first": first, "last": last} if first.isdigit() and last.isdigit() else {}),
    }
    return {name: value for name, value in chosen.items() if value}


@requires("start_recovery")
def start_sync(request: HttpRequest, each_context: Any) -> HttpResponse:
    """GET: the form, with what the link to it has chosen. POST: a preview starts at once; a run that writes asks."""
    context = {
        **each_context(request),
        "title": "Sync phones",
        "no_regions": not scoped(Region.objects.all(), request.user, "").exists(),
    }
    return start_page(
        request, SYNC_PHONES, SyncForm(request.POST or None, request=request, initial=given(request)), context,
        template="admin/regions/start_sync.html", question="admin/regions/confirm_sync.html",
    )  # fmt: skip
