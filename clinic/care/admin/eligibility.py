"""Insurance, reports and what they cost: lists to read, two buttons, and the cap."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from backoffice.access import may, scoped
from backoffice.formats import count
from backoffice.runs.control import AlreadyRunning
from backoffice.runs.faults import Misuse
from backoffice.staffadmin import RegionFilter, StaffAdmin
from clinic.care.eligibility.answering import EARLIER
from clinic.care.eligibility.deciding import ask_again, check_now
from clinic.care.eligibility.spend import begin_months
from clinic.care.models import EligibilityInformation, EligibilityReport, EligibilitySpend
from regions.models import Region


class BilledAdmin(StaffAdmin):
    """What its actions do costs money, and asks for the verb of the job."""

    audited = True

    def has_start_any_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, "start_any")


@admin.register(EligibilityInformation)
class EligibilityInformationAdmin(BilledAdmin):
    """Rows come over the API; here they are read, and asked about on demand [S3-03]."""

    patient_fields = ("reference", "member")
    list_display = ("id", "region", "reference", "payer_name", "payer_code", "active", "status", "status_at")
    list_filter = (("region", RegionFilter), "active", "status")
    list_select_related = ("region", "patient")
    fields = (
        "region", "reference", "payer_code", "payer_name", "member", "provider_npi", "provider_last_name", "active",
        "status", "status_at", "created_at", "changed_at",
    )  # fmt: skip
    readonly_fields = fields
    actions = ("check_now",)

    @admin.display(description="Patient")
    def reference(self, obj: EligibilityInformation) -> str:
        return obj.patient.external_id

    @admin.display(description="Member id")
    def member(self, obj: EligibilityInformation) -> str:
        return str(obj.member_id)

    @admin.action(description="Check now, if the month has no report", permissions=["start_any"])
    def check_now(self, request: HttpRequest, rows: QuerySet[EligibilityInformation]) -> None:
        for row in rows.filter(active=True).select_related("region"):
            try:
                run = check_now(row, cast(User, request.user))
                messages.success(request, f"Run {run.pk} checks {row}.")
            except (Misuse, AlreadyRunning) as error:
                messages.warning(request, str(error))


@admin.register(EligibilityReport)
class EligibilityReportAdmin(BilledAdmin):
    """What payers said; of a call that nobody knows of, the button that makes it again."""

    patient_fields = ("reference", "words", "earlier")
    list_display = ("__str__", "region", "reference", "month", "state", "coverage", "code", "calls", "asked_at")
    list_filter = (("region", RegionFilter), "state", "coverage")
    list_select_related = ("region", "patient")
    fields = (
        "region", "reference", "month", "state", "coverage", "code", "words", "earlier", "calls", "request_id", "run",
        "asked_at", "answered_at",
    )  # fmt: skip
    readonly_fields = fields
    actions = ("ask_again",)

    @admin.display(description="Patient")
    def reference(self, obj: EligibilityReport) -> str:
        return obj.patient.external_id

    @admin.display(description="The payer's words")
    def words(self, obj: EligibilityReport) -> str:
        return in_words(obj.answer)

    @admin.display(description="Before a correction")
    def earlier(self, obj: EligibilityReport) -> str:
        return "; ".join(in_words(answer) for answer in obj.answer.get(EARLIER, []))

    @admin.action(description="Ask again: it may be paid twice", permissions=["start_any"])
    def ask_again(self, request: HttpRequest, rows: QuerySet[EligibilityReport]) -> None:
        opened = sum(ask_again(row) for row in rows)
        if opened:
            messages.success(request, f"{count(opened, 'report')} open again: the next check asks.")
        else:
            messages.warning(request, "Nothing was changed: none of them was perhaps asked.")


def in_words(answer: Any) -> str:
    """An answer in a line: the plan, or what the payer wrote."""
    document = answer.get("document")
    if document:
        plan = document.get("PlanCoverageSummary") or {}
        return ", ".join(str(plan[name]) for name in ("Status", "PlanName", "ExpiryDate") if plan.get(name))
    parts = (answer.get(name, "") for name in ("payer_message", "message", "follow_up", "resolution"))
    return ". ".join(text.rstrip(".") for text in parts if text)


@admin.register(EligibilitySpend)
class EligibilitySpendAdmin(StaffAdmin):
    """Calls of each region and month, this one and the next before any call; who configures regions moves the cap."""

    change_verb = "configure"
    list_display = ("month", "region", "calls", "cap")
    list_filter = (("region", RegionFilter),)
    fields = ("region", "month", "calls", "cap")
    readonly_fields = ("region", "month", "calls")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        begin_months(scoped(Region.objects.all(), request.user, ""))
        return super().changelist_view(request, extra_context)
