"""Starting a recovery from the admin: the parameters, and the question before anything is written."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from backoffice.access import requires, scoped
from backoffice.formats import today_in
from backoffice.runs.admin.starting import start_page
from backoffice.runs.job import Json
from clinic.jobs import RECOVER_SERVICES
from regions.admin.choosing import RegionField, offer_regions
from regions.models import Region


class StartForm(forms.Form):
    """Either the last days, or from and to; the job itself judges the rest."""

    region = RegionField(Region.objects.none(), empty_label="Choose a region")
    range = forms.ChoiceField(
        choices=[("days", "The last days, up to and including yesterday"), ("dates", "From one day to another")],
        widget=forms.RadioSelect,
        initial="days",
        label="Which appointments",
    )
    days = forms.IntegerField(min_value=1, max_value=36_600, required=False, initial=7, label="How many days")
    begins = forms.DateField(
        required=False, label="From (included)", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    ends = forms.DateField(
        required=False, label="To (not included)", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    mode = forms.ChoiceField(
        choices=[
            ("preview", "Preview: shows what would be written, writes nothing"),
            ("write", "Write the missing services into the hospital's billing"),
        ],
        widget=forms.RadioSelect,
        initial="preview",
        label="What it does",
    )
    window = forms.IntegerField(
        min_value=1, max_value=36_600, initial=7, label="Window (days)", help_text="Worked one after the other."
    )
    chunk = forms.IntegerField(
        min_value=1,
        max_value=200,
        initial=200,
        label="Chunk (appointments)",
        help_text="Counted and committed together.",
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_regions(self, request)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("range") == "days":
            if not data.get("days") and "days" not in self.errors:
                self.add_error("days", "Say how many days.")
        elif data.get("range") == "dates":
            for name in ("begins", "ends"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, "Choose a day.")
            if data.get("begins") and data.get("ends") and data["begins"] >= data["ends"]:
                self.add_error("ends", "The end has to lie after the beginning.")
        return data

    def parameters(self) -> Json:
        """As the job takes them."""
        data = self.cleaned_data
        days: Json = {"days": data["days"]}
        dates: Json = {"from": str(data["begins"]), "to": str(data["ends"])}
        chosen = days if data["range"] == "days" else dates
        return {**chosen, "window": data["window"], "chunk": data["chunk"], "mode": data["mode"]}

    def summary(self) -> dict[str, Any]:
        """What is about to happen, for the question."""
        data = self.cleaned_data
        today = today_in(data["region"].zone)
        begins, ends = data["begins"], data["ends"]
        if data["range"] == "days":
            begins, ends = today - timedelta(days=data["days"]), today
        days = (ends - begins).days
        return {
            "region": data["region"],
            "begins": begins,
            "ends": ends,
            "days": days,
            "windows": -(-days // data["window"]),
        }


@requires(RECOVER_SERVICES.start_verb)
def start_recovery(request: HttpRequest, each_context: Any) -> HttpResponse:
    """GET: the form. POST: a preview starts at once; a run that writes asks first."""
    context = {
        **each_context(request),
        "title": "Start missing-service recovery",
        "no_regions": not scoped(Region.objects.all(), request.user, "").exists(),
    }
    return start_page(
        request, RECOVER_SERVICES, StartForm(request.POST or None, request=request), context,
        template="admin/clinic/start.html", question="admin/clinic/confirm_start.html",
    )  # fmt: skip
