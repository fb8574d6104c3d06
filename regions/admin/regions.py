"""A region's page: what its file holds, by form. Secrets go in and never come out."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join

from backoffice.access import ACCOUNTS, may
from backoffice.look import CheckboxSelectMultiple, PasswordInput, Textarea, TextInput, action
from backoffice.staffadmin import StaffAdmin
from regions import checks, keys
from regions.admin.versions import put_back_page, versions_page
from regions.clearinghouse_keys import REQUIRED, USUAL
from regions.configuration import destinations, held_values, save, secrets_to_give_again, set_env_vars
from regions.models import Region, RegionVersion
from regions.sheets import others_of

KEPT = "A value is stored. Leave this empty to keep it."
PACE_HELP = (
    'Requests per second by kind, as {"hospital": 50, "fhir": 10}; a kind that is left out has no limit. '
    f"Kinds: {', '.join(keys.PACE_KEYS)} (entries of FHIR bundles)."
)
FHIR_HELP = (
    'As {"strategy": "or-search", "entries_per_batch": 50}; what is left out is the usual way. '
    "strategy: batch-get (usual) or or-search; method: put (usual), json-patch or fhirpath-patch; batch: false where "
    "it knows no batch; entries_per_batch (100) and bytes_per_batch (1000000); use: which phone of a patient is kept, "
    "mobile (usual), home, work or temp."
)
CLEARINGHOUSE_HELP = (
    f"An object. Needed: {', '.join(REQUIRED)} (known_hosts as ssh-keyscan prints it). Usual, where left out: "
    f"{', '.join(f'{key} {value}' for key, value in USUAL.items())}."
)
PREFIX = "env_"
REMOVE = "remove_secrets"

if TYPE_CHECKING:
    _RegionForm = forms.ModelForm[Region]
else:
    _RegionForm = forms.ModelForm


class RegionForm(_RegionForm):
    """Region's columns, and a field for each key of env_vars; a secret that is left empty stays as it is."""

    remove_secrets = forms.MultipleChoiceField(
        required=False, widget=CheckboxSelectMultiple, choices=(), help_text="Stored secrets to forget."
    )

    class Meta:
        model = Region
        fields = (
            "name", "display_name", "time_zone", "country", "paused", "pace", "fhir", "clearinghouse",
            "concurrency_per_run", "filing_days", "collection_percent", "deployment", "staff",
        )  # fmt: skip
        widgets = {"staff": CheckboxSelectMultiple}
        help_texts = {"pace": PACE_HELP, "fhir": FHIR_HELP, "clearinghouse": CLEARINGHOUSE_HELP}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.held = held_values(self.instance)
        for key in keys.ENV_VARS:
            field = self.fields[PREFIX + key]
            if key not in keys.SECRETS:
                field.initial = self.held.get(key, "")
            elif key in self.held:
                field.help_text = KEPT
        stored = sorted(keys.SECRETS & self.held.keys())
        self.fields[REMOVE].choices = [(key, key) for key in stored]  # type: ignore[attr-defined]

    def clean_pace(self) -> dict[str, Any]:
        return self._options("pace", '{"hospital": 50}', keys.pace_problems)

    def clean_fhir(self) -> dict[str, Any]:
        return self._options("fhir", '{"method": "put"}', keys.fhir_problems)

    def clean_clearinghouse(self) -> dict[str, Any]:
        return self._options("clearinghouse", '{"user": "clinic"}', keys.clearinghouse_problems)

    def _options(self, name: str, example: str, problems: Callable[[Any], list[tuple[str, str]]]) -> dict[str, Any]:
        """An object of options, each of which the file could say as well."""
        options = {} if self.cleaned_data[name] is None else self.cleaned_data[name]
        if not isinstance(options, dict):
            raise forms.ValidationError(f"This must be an object, such as {example}.")
        for key, problem in problems(options):
            self.add_error(name, f"{key}: {problem}")
        return options

    def clean_deployment(self) -> dict[str, str]:
        deployment = self.cleaned_data["deployment"]
        if not isinstance(deployment, dict):
            raise forms.ValidationError('This must be an object, such as {"memory": "256Mi"}.')
        for key, value in deployment.items():
            if key not in keys.DEPLOYMENT_KEYS:
                self.add_error("deployment", f"{key}: is not known; known are {', '.join(keys.DEPLOYMENT_KEYS)}")
            elif not isinstance(value, str):
                self.add_error("deployment", f"{key}: must be text")
        return deployment

    def clean(self) -> dict[str, Any]:
        for key in keys.ENV_VARS:
            value = self.cleaned_data.get(PREFIX + key, "")
            problem = keys.env_var_problem(key, value) if value else None
            if problem:
                self.add_error(PREFIX + key, f"This {problem}.")
        held = destinations(self.held, self.initial.get("clearinghouse") or {})
        values = destinations(self.values(), self.cleaned_data.get("clearinghouse", {}))
        for key in secrets_to_give_again(held, values, self._kept()):
            self.add_error(PREFIX + key, "Give it again: the address that it is sent to changes.")
        return self.cleaned_data

    def _kept(self) -> list[str]:
        """Stored secrets that are neither typed anew nor to be forgotten."""
        forgotten = self.cleaned_data.get(REMOVE, ())
        stored = [key for key in sorted(keys.SECRETS & self.held.keys()) if key not in forgotten]
        return [key for key in stored if not self.cleaned_data.get(PREFIX + key)]

    def values(self) -> dict[str, str]:
        """env_vars as the form leaves them."""
        values = {}
        for key in keys.ENV_VARS:
            value = self.cleaned_data.get(PREFIX + key, "")
            if value:
                values[key] = value
        return {**values, **{key: self.held[key] for key in self._kept()}}


class SecretLines(Textarea):  # type: ignore[misc]  # unfold has no types
    """Takes lines, and shows none of them again: not even beside a fault elsewhere in the form."""

    def format_value(self, value: Any) -> str:
        return ""


def _field(key: str) -> forms.CharField:
    if keys.ENV_VARS[key] == "secret lines":
        return forms.CharField(required=False, label=key, widget=SecretLines({"autocomplete": "off", "rows": 3}))
    widget: forms.Widget = PasswordInput({"autocomplete": "off"}) if key in keys.SECRETS else TextInput()
    return forms.CharField(required=False, label=key, widget=widget, max_length=4000)


@admin.register(Region)
class RegionAdmin(StaffAdmin):
    """Everybody sees their regions' settings; engineers change them."""

    region_path = ""
    change_verb = "configure"
    add_verb = "configure"
    change_form_template = "admin/regions/region_form.html"
    actions_submit_line = ("check_connections",)
    form = type("RegionFormWithKeys", (RegionForm,), {PREFIX + key: _field(key) for key in keys.ENV_VARS})
    list_display = ("name", "display_name", "time_zone", "country", "state")
    list_filter = ("paused",)
    search_fields = ("name", "display_name")
    fieldsets = (
        (None, {"fields": ("name", "display_name", "time_zone", "country", "paused", "staff")}),
        ("Limits", {"fields": ("pace", "concurrency_per_run")}),
        ("FHIR server", {"fields": ("fhir",)}),
        ("Clearinghouse", {"fields": ("clearinghouse",)}),
        ("Money", {"fields": ("filing_days", "collection_percent")}),
        ("Connections", {"fields": (*(PREFIX + key for key in keys.ENV_VARS), REMOVE)}),
        ("Deployment", {"fields": ("deployment",)}),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/versions/", view(self.versions), name="region_versions"),
            path("<int:pk>/versions/<int:number>/", view(self.put_back), name="region_put_back"),
            *super().get_urls(),
        ]

    def versions(self, request: HttpRequest, pk: int) -> HttpResponse:
        return versions_page(request, self.row_or_404(request, str(pk)), self.admin_site.each_context)

    def put_back(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        return put_back_page(request, self.row_or_404(request, str(pk)), number, self.admin_site.each_context)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "connections") if obj else ("connections",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj) if obj else self.has_add_permission(request):
            return fieldsets
        to_read = {"fields": ("connections",)}
        return [(title, to_read if title == "Connections" else options) for title, options in fieldsets]

    @admin.display(description="State", ordering="paused")
    def state(self, region: Region) -> str:
        return "paused" if region.paused else "running"

    @admin.display(description="Connections")
    def connections(self, region: Region) -> str:
        """For who may only read: addresses as they are, of secrets that there is one."""
        values = sorted(held_values(region).items())
        lines = ((key, "stored" if key in keys.SECRETS else value) for key, value in values)
        return format_html_join("", "<div>{}: {}</div>", lines) or "none"

    @action(description="Save and check the connections")  # type: ignore[untyped-decorator]  # unfold has no types
    def check_connections(self, request: HttpRequest, region: Region) -> None:
        """Ask each endpoint once, as load_region --check does, and say what came of it."""
        values = held_values(region)
        sharers = ["another region"] if others_of(region.name, values) else []  # which one may not be theirs to know
        credential_file = region.deployment.get("credential_file", "")
        findings = checks.endpoints(values, credential_file, region.clearinghouse, sharers=sharers)
        for found in findings:
            say = messages.success if found.works else messages.error
            say(request, f"{found.endpoint[0].upper()}{found.endpoint[1:]}: {found.says}.")
        if not findings:
            messages.warning(request, "There is no connection to check: give the address of a hospital or FHIR server.")

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **options: Any) -> Any:
        """The check waits for other machines: it comes after the form's transaction."""
        response = super().changeform_view(request, object_id, *args, **options)
        if "regions_region_check_connections" in request.POST and object_id and response.status_code == 302:
            self.check_connections(request, self.get_object(request, object_id))
            return redirect(request.path)
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        allowed = {"show_history": may(request.user, "audit"), "may_sync": may(request.user, "start_recovery")}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **allowed})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What happened to the region stands in the audit log, for who may read that."""
        region = self.get_object(request, object_id)
        if region is None:
            raise Http404
        return redirect(f"{reverse('admin:auditlog_logentry_changelist')}?region={region.pk}")

    def save_model(self, request: HttpRequest, obj: Region, form: Any, change: bool) -> None:
        changed = set_env_vars(obj, form.values())
        # What was typed here no longer comes from the environment.
        obj.env_sources = {key: name for key, name in obj.env_sources.items() if key not in changed}
        by = request.user if isinstance(request.user, User) else None
        save(obj, changed if change else [], made_by=by, origin=RegionVersion.Origin.ADMIN)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not change and isinstance(request.user, User) and not may(request.user, ACCOUNTS):
            # Else who made the region could not open it.
            form.instance.staff.add(request.user)
