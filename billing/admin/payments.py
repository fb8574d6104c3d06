"""Payments in the admin: what was posted, by payment and by day; what was parked, by how much, and who settled it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.views.decorators.http import require_POST

from backoffice import audit
from backoffice.access import may, shown
from backoffice.exports import Row, csv_download, xlsx_download
from backoffice.lists import Filter, Listing, as_choices, by, by_id
from backoffice.runs.faults import Misuse
from backoffice.staffadmin import StaffAdmin
from billing.admin.listed import REGION
from billing.admin.words import PAYMENT_ADVICE, PAYMENT_TONES
from billing.models import Payment
from billing.settling import WAITING, settle_payment
from billing.unbalanced import unbalanced_of
from clinic.money import dollars, in_cents

DOWNLOADS = {"csv": csv_download, "xlsx": xlsx_download}
DAYS_SHOWN = 90
COLUMNS = (
    "region", "file", "paid_on", "payer", "method", "trace", "state", "claims", "unmatched", "claims_paid",
    "provider_adjustments", "total", "difference", "faults", "settled_by",
)  # fmt: skip
FILTERS = (
    Filter(
        name="state", title="State", apply=by("state"), choices=lambda request: as_choices(Payment.State.choices)
    ),
    REGION,
    Filter(name="document", title="File", apply=by_id("document")),
    Filter(
        name="day", title="Paid on",
        apply=lambda rows, value: rows.filter(paid_on__isnull=True) if value == "none" else _on(rows, value),
    ),
)  # fmt: skip


def _on(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    try:
        return rows.filter(paid_on=forms.DateField().clean(value))
    except forms.ValidationError:
        return rows.none()


class SettleForm(forms.Form):
    note = forms.CharField(max_length=200, label="What became of it", widget=forms.TextInput({"autocomplete": "off"}))


@admin.register(Payment)
class PaymentAdmin(StaffAdmin):
    """Payments are posted or parked by the job that reads files; a person settles what is parked."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "document", "settled_by")

    def get_urls(self) -> list[URLPattern]:
        return [
            self.page_at("days/", self.days, "billing_payment_days"),
            self.page_at("export/", require_POST(self.export), "billing_payments_export"),
            *super().get_urls(),
        ]

    def listing(self, request: HttpRequest) -> Listing:
        self.check_may_see(request)
        rows = self.get_queryset(request).order_by("-id")
        return Listing(request, rows, FILTERS, search=lambda found, text: found.filter(trace=text))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        listing = self.listing(request)
        context = {
            **self.admin_site.each_context(request),
            "title": "Payments",
            "listing": listing,
            "rows": [{"row": row, "tone": PAYMENT_TONES[row.state]} for row in listing.page],
            "total": None if listing.paginator.more else total_of(listing.rows),
            "may_export": may(request.user, "export"),
        }
        return TemplateResponse(request, "admin/billing/payments.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        payment: Payment = self.row_or_404(request, object_id)
        form = SettleForm(request.POST or None)
        if request.method == "POST":
            if not may(request.user, "resolve"):
                raise PermissionDenied
            if form.is_valid():
                return _settle(request, payment, form.cleaned_data["note"])
        context = {
            **self.admin_site.each_context(request),
            "title": f"Payment {payment.pk}",
            "payment": payment,
            "tone": PAYMENT_TONES[payment.state],
            "advice": PAYMENT_ADVICE[payment.state],
            "adjustments": adjustments_of(payment),
            "unbalanced": unbalanced_of([payment])[payment.pk],
            "more_unbalanced": max(0, payment.unbalanced_claims - len(payment.unbalanced)),
            "note": shown(request.user, payment.note),
            "form": form,
            "may_settle": may(request.user, "resolve") and payment.state in WAITING,
        }
        return TemplateResponse(request, "admin/billing/payment.html", context)

    def days(self, request: HttpRequest) -> HttpResponse:
        """What was posted, by the day of payment; the last days that have any."""
        self.check_may_see(request)
        rows = self.get_queryset(request).filter(state=Payment.State.POSTED)
        listing = Listing(request, rows, (REGION,))
        context = {
            **self.admin_site.each_context(request),
            "title": "Payments by day",
            "listing": listing,
            "rows": by_day(listing.rows),
            "shown": DAYS_SHOWN,
        }
        return TemplateResponse(request, "admin/billing/payment_days.html", context)

    def export(self, request: HttpRequest) -> HttpResponse:
        """The list as its filters have it; who took it out stands in the audit log."""
        if not may(request.user, "export"):
            raise PermissionDenied
        rows = self.listing(request).rows
        audit.record_views(Payment, rows.values_list("pk", flat=True), masked=True, export=True)
        download = DOWNLOADS.get(request.POST.get("format", ""), csv_download)
        return download("payments", COLUMNS, export_rows(rows))


def _settle(request: HttpRequest, payment: Payment, note: str) -> HttpResponse:
    try:
        settle_payment(payment, cast(User, request.user), note)
    except Misuse as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The payment is settled. It moves no claim.")
    return redirect(reverse("admin:billing_payment_change", args=[payment.pk]))


def total_of(rows: QuerySet[Payment]) -> Decimal:
    """Without those that name no claim of ours: whose dollars they are nobody knows."""
    rows = rows.exclude(state=Payment.State.UNMATCHED)
    return dollars(rows.order_by().aggregate(cents=Sum(in_cents("total")))["cents"])


def by_day(rows: QuerySet[Payment]) -> list[dict[str, Any]]:
    """Payments, claims and dollars of each day of payment, the last one first."""
    cents = {f"{name}_": Sum(in_cents(name)) for name in ("paid", "adjusted", "total")}
    counts = {"payments": Count("pk"), "of_claims": Sum("claims")}
    days: Any = rows.order_by().values("paid_on").annotate(**counts, **cents).order_by("-paid_on")[:DAYS_SHOWN]
    return [
        {**day, **{name: dollars(day[f"{name}_"]) for name in ("paid", "adjusted", "total")}} for day in days
    ]  # fmt: skip


def adjustments_of(payment: Payment) -> list[dict[str, Any]]:
    """PLB: of no claim. Positive takes from the payment, negative adds to it."""
    return [
        {"reason": reason, "reference": reference, "amount": Decimal(str(amount))}
        for reason, reference, amount in payment.adjustments
    ]


def export_rows(rows: QuerySet[Payment]) -> Iterator[Row]:
    for row in rows.iterator(chunk_size=500):
        yield (
            row.region.name, row.document.name, row.paid_on, row.payer, row.method, row.trace, row.state, row.claims,
            row.unmatched, row.paid, row.adjusted, row.total, row.difference,
            "; ".join(map(str, row.faults)),
            row.settled_by.get_username() if row.settled_by else "",
        )  # fmt: skip
