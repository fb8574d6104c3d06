"""The settings of the steps, which engineers change; and the reference tables, which the loader replaces."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.access import requires, scoped
from backoffice.audit import record_change
from backoffice.formats import money
from backoffice.runs.models import Run, RunStatus
from backoffice.staffadmin import RegionFilter, StaffAdmin
from claims.advice_words import basis, reason
from claims.forecast import forecast
from claims.forecast_words import capacity_in_words
from claims.jobs import RUN_PIPELINE
from claims.measured import advice_of
from claims.models import (
    ContractTerms,
    Fee,
    Night,
    Plan,
    PlanBenefit,
    ProcedureCode,
    Provider,
    RemittancePayer,
    StepSetting,
)
from regions.models import Region

MOST = 1_000_000


def in_dollars(field: str, title: str) -> Callable[[Model], str]:
    """A column of money."""

    def column(row: Model) -> str:
        return money(getattr(row, field))

    column.__name__ = field
    return admin.display(description=title, ordering=field)(column)


@admin.display(description="Region", ordering="region__display_name")
def region(row: Any) -> str:
    return str(row.region.display_name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """What the admin's list of a reference table shows, and what it is searched by."""

    columns: tuple[str | Callable[[Any], str], ...]
    search: tuple[str, ...] = ()


TABLES: dict[type[Model], Reference] = {
    Provider: Reference(
        columns=("npi", "name", region, "contract_id", "active_from", "active_to"), search=("=npi", "name")
    ),
    ProcedureCode: Reference(
        columns=("procedure_code", "description", region, "category", "valid_from", "valid_to"),
        search=("=procedure_code", "description"),
    ),
    Plan: Reference(
        columns=(
            "plan_id",
            region,
            in_dollars("deductible", "Deductible"),
            in_dollars("out_of_pocket_max", "Out-of-pocket maximum"),
            "coinsurance_percent",
        )
    ),
    PlanBenefit: Reference(
        columns=("plan_id", "category", region, "covered", in_dollars("copay", "Copay"), "copay_only", "visit_limit")
    ),
    Fee: Reference(
        columns=("fee_schedule_id", "procedure_code", region, in_dollars("fee", "Fee")),
        search=("=fee_schedule_id", "=procedure_code"),
    ),
    ContractTerms: Reference(
        columns=("contract_id", region, "fee_schedule_id", "multiplier_percent", "percent_of_charge")
    ),
    RemittancePayer: Reference(columns=("payer_id", "name", region, "tax_id", "city", "phone", "for_all")),
}


class StepSettingForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_commit_frequency(self) -> int:
        frequency: int = self.cleaned_data["commit_frequency"]
        if not 1 <= frequency <= MOST:
            raise forms.ValidationError(f"A whole number from 1 to {MOST:,}.")
        return frequency

    def clean_rationale(self) -> str:
        rationale: str = self.cleaned_data["rationale"].strip()
        if not rationale:
            raise forms.ValidationError("Say why: who reads it next has to know.")
        return rationale


@admin.register(StepSetting)
class StepSettingAdmin(StaffAdmin):
    """How often each step commits. A night that is under way takes it up with its next step or restart."""

    region_path = None
    change_verb = "configure"
    form = StepSettingForm
    fields = ("step", "program", "commit_frequency", "rationale")
    readonly_fields = ("step", "program")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Each step's frequency and its reason, beside what the nights of the user's regions say of it."""
        self.check_may_see(request)
        regions = list(scoped(Region.objects.all(), request.user, ""))
        advised = advice_of(regions)
        context = {
            **self.admin_site.each_context(request),
            "title": "Step settings",
            "steps": [
                {
                    "setting": setting,
                    "advice": advice,
                    "basis": basis(advice.measured),
                    "reason": reason(advice) if advice.options else "",
                }
                for setting in StepSetting.objects.all()
                if (advice := advised.get(setting.step))
            ],
            "capacities": capacities(regions),
            "may_change": self.has_change_permission(request),
        }
        return TemplateResponse(request, "admin/claims/step_settings.html", context)

    def save_model(self, request: HttpRequest, obj: StepSetting, form: Any, change: bool) -> None:
        before = StepSetting.objects.get(pk=obj.pk)
        super().save_model(request, obj, form, change)
        names = ("commit_frequency", "rationale")
        changes = {name: (str(getattr(before, name)), str(getattr(obj, name))) for name in names}
        changed = {name: values for name, values in changes.items() if values[0] != values[1]}
        if changed:
            record_change(obj, changed)


def capacities(regions: Sequence[Region]) -> list[tuple[Region, str]]:
    """When the window is full, by the last complete night of each region that has one."""
    found = []
    for region in regions:
        last = Run.objects.filter(job=RUN_PIPELINE.name, region=region, status=RunStatus.COMPLETE).first()
        night = Night.objects.filter(chain=last.chain).first() if last else None
        if night:
            found.append((region, capacity_in_words(forecast(region, night.run_date).capacity)))
    return found


@requires("see")
def tables_page(request: HttpRequest, each_context: Callable[[HttpRequest], Any]) -> HttpResponse:
    """The way to each table, with how many rows the user's regions have."""
    tables = [
        {
            "title": model._meta.verbose_name_plural,
            "rows": scoped(model._default_manager.all(), request.user).count(),
            "url": reverse(f"admin:claims_{model._meta.model_name}_changelist"),
        }
        for model in TABLES
    ]
    context = {**each_context(request), "title": "Claims tables", "tables": tables}
    return TemplateResponse(request, "admin/claims/tables.html", context)


class ReferenceAdmin(StaffAdmin):
    """Read only: a load replaces a region's table as a whole."""

    list_filter = (("region", RegionFilter),)
    list_select_related = ("region",)


for _model, _table in TABLES.items():
    admin.site.register(_model, ReferenceAdmin, list_display=_table.columns, search_fields=_table.search)
