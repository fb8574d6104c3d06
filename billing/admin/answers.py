"""Answers that found no claim: the worklist, and what a person does with one: link it to its claim, or close it."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.access import may, shown
from backoffice.formats import money
from backoffice.lists import Filter, Listing, by, by_id
from backoffice.runs.faults import Misuse
from backoffice.staffadmin import StaffAdmin
from billing.admin.listed import REGION
from billing.linking import dismiss, link
from billing.models import Answer, Claim
from claims.edi.classify import Kind

KINDS = ("TA1", "999", "277CA", Kind.CLAIM_ANSWER, Kind.PAYMENT, Kind.FILE_SUMMARY, Kind.STATUS_REPORT)
FILTERS = (
    Filter(
        name="state", title="State", apply=lambda rows, value: rows.filter(resolved_at__isnull=value == "open"),
        choices=lambda request: [("open", "Open"), ("resolved", "Resolved")], default="open",
    ),
    REGION,
    Filter(name="kind", title="Kind", apply=by("kind"), choices=lambda request: [(k, k) for k in KINDS]),
    Filter(name="document", title="File", apply=by_id("document")),
)  # fmt: skip


class LinkForm(forms.Form):
    """A claim of the answer's own region, by its number."""

    claim = forms.CharField(
        max_length=20, label="Number of the claim (CLM01)", widget=forms.TextInput({"autocomplete": "off"})
    )
    note = forms.CharField(
        max_length=200, label="How you know", widget=forms.TextInput({"autocomplete": "off"})
    )  # fmt: skip

    def __init__(self, *args: Any, answer: Answer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answer = answer

    def clean_claim(self) -> Claim:
        claim = Claim.objects.filter(region=self.answer.region, control=self.cleaned_data["claim"].upper()).first()
        if claim is None:
            raise forms.ValidationError("No claim of this region has that number.")
        return claim


class CloseForm(forms.Form):
    note = forms.CharField(max_length=200, label="Why", widget=forms.TextInput({"autocomplete": "off"}))


@admin.register(Answer)
class AnswerAdmin(StaffAdmin):
    """Answers are stored by the job that reads files; a person resolves them."""

    patient_fields = ("note",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "document", "claim", "resolved_by")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        rows = self.get_queryset(request).defer("claim__content").order_by("-id")
        listing = Listing(request, rows, FILTERS, search=lambda found, text: found.filter(reference=text))
        context = {
            **self.admin_site.each_context(request),
            "title": "Unmatched answers",
            "listing": listing,
            "rows": list(listing.page),
        }
        return TemplateResponse(request, "admin/billing/answers.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer: Answer = self.row_or_404(request, object_id)
        linking = LinkForm(request.POST if "link" in request.POST else None, answer=answer, prefix="link")
        closing = CloseForm(request.POST if "close" in request.POST else None, prefix="close")
        if request.method == "POST":
            if not may(request.user, "resolve"):
                raise PermissionDenied
            if linking.is_valid() or closing.is_valid():
                return _resolve(request, answer, linking, closing)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Unmatched answer {answer.pk}",
            "answer": answer,
            "detail": detail_of(answer),
            "may_link": answer.detail.get("of_claim", True),
            "note": shown(request.user, answer.note),
            "linking": linking,
            "closing": closing,
            "may_resolve": may(request.user, "resolve"),
        }
        return TemplateResponse(request, "admin/billing/answer.html", context)


def detail_of(answer: Answer) -> list[tuple[str, str]]:
    """What it says beyond its code, by title: dollars and the payer's number; nothing of a person."""
    said: dict[str, Any] = answer.detail.get("detail") or {}
    dollars = [("Charge", "charge"), ("Contractual", "contractual"), ("Denied", "denied"), ("Patient's share", "share")]
    found = [(title, money(said[name])) for title, name in dollars if said.get(name)]
    return found + ([("Payer's claim", str(said["payer_claim"]))] if said.get("payer_claim") else [])


def _resolve(request: HttpRequest, answer: Answer, linking: LinkForm, closing: CloseForm) -> HttpResponse:
    user = cast(User, request.user)
    try:
        if linking.is_valid():
            claim: Claim = linking.cleaned_data["claim"]
            link(answer, claim, user, linking.cleaned_data["note"])
            messages.success(request, f"The answer counts for claim {claim.control} now.")
        else:
            dismiss(answer, user, closing.cleaned_data["note"])
            messages.success(request, "The answer is closed. It moves no claim.")
    except Misuse as refusal:
        messages.error(request, str(refusal))
    return redirect(reverse("admin:billing_answer_change", args=[answer.pk]))
