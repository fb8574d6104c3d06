"""Files as they were sent and received: the list, the page of one, and its content for who may see whole files."""

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.http import content_disposition_header

from backoffice import audit
from backoffice.access import CONTENT, may, may_run, shown
from backoffice.lists import Filter, Listing, as_choices, by, is_id
from backoffice.runs.faults import Misuse
from backoffice.staffadmin import StaffAdmin
from billing.admin.listed import REGION, RUN
from billing.admin.payments import SettleForm
from billing.admin.words import DOCUMENT_TONES, PAYMENT_TONES
from billing.jobs import PROCESS_CLAIM_FILES
from billing.models import Answer, Batch, ClaimEvent, Document, DocumentPart, Payment
from billing.settling import settle_document, waits
from claims.edi.classify import Kind
from claims.edi.findings import SENTENCES

KINDS = ("837P", *Kind)
ENVELOPES_SHOWN = FINDINGS_SHOWN = PAYMENTS_SHOWN = 100


def named(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Files whose name begins so, or that have these bytes (SHA-256)."""
    return rows.filter(Q(name__istartswith=text) | Q(sha256=text.lower()))


FILTERS = (
    Filter(
        name="direction", title="Direction", apply=by("direction"),
        choices=lambda request: as_choices(Document.Direction.choices),
    ),
    Filter(name="kind", title="Kind", apply=by("kind"), choices=lambda request: [(kind, kind) for kind in KINDS]),
    Filter(
        name="state", title="State", apply=by("state"), choices=lambda request: as_choices(Document.State.choices)
    ),
    REGION,
    RUN,
)  # fmt: skip


@admin.register(Document)
class DocumentAdmin(StaffAdmin):
    """Read only, but that a person settles what cannot be read. Content stands on no page but its own."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "run", "made_by", "settled_by")

    def get_urls(self) -> list[URLPattern]:
        return [
            self.page_at("<int:pk>/content/", self.content, "billing_document_content"),
            self.page_at("<int:pk>/download/", self.download, "billing_document_download"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        listing = Listing(request, self.get_queryset(request).order_by("-id"), FILTERS, search=named)
        context = {
            **self.admin_site.each_context(request),
            "title": "Claim files",
            "listing": listing,
            "rows": [{"row": row, "tone": DOCUMENT_TONES[row.state]} for row in listing.page],
            "may_start": may_run(request.user, PROCESS_CLAIM_FILES.start_verb),
        }
        return TemplateResponse(request, "admin/billing/documents.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        document: Document = self.row_or_404(request, object_id)
        form = SettleForm(request.POST or None)
        if request.method == "POST":
            if not may(request.user, "resolve"):
                raise PermissionDenied
            if form.is_valid():
                return _settle(request, document, form.cleaned_data["note"])
        context = {
            **self.admin_site.each_context(request),
            **page_of(document),
            "title": f"Claim file {document.pk}",
            "may_see_content": may(request.user, CONTENT),
            "note": shown(request.user, document.note),
            "form": form,
            "may_settle": may(request.user, "resolve") and waits(document),
        }
        return TemplateResponse(request, "admin/billing/document.html", context)

    def content(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One part of the file as text. Each look is an entry of the audit log."""
        document, number = self._opened(request, pk), request.GET.get("part", "1")
        parts = document.parts.count()
        if not is_id(number) or not 1 <= int(number) <= parts:
            raise Http404
        audit.record_view(document, content="shown", part=int(number))
        text = document.parts.get(number=int(number) - 1).content
        context = {
            **self.admin_site.each_context(request),
            "title": f"Content of claim file {document.pk}",
            "document": document,
            "text": None if "\0" in text else in_lines(text),
            "part": int(number),
            "parts": parts,
        }
        return TemplateResponse(request, "admin/billing/content.html", context)

    def download(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The file byte for byte. Each download is an entry of the audit log."""
        document = self._opened(request, pk)
        audit.record_view(document, content="downloaded")
        answer = StreamingHttpResponse(bytes_of(document), content_type="application/octet-stream")
        answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=document.name) or ""
        return answer  # type: ignore[return-value]

    def _opened(self, request: HttpRequest, pk: int) -> Document:
        document: Document = self.row_or_404(request, str(pk))
        if not may(request.user, CONTENT):
            raise PermissionDenied
        return document


def _settle(request: HttpRequest, document: Document, note: str) -> HttpResponse:
    try:
        settle_document(document, cast(User, request.user), note)
    except Misuse as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The file is settled. It moves no claim.")
    return redirect(reverse("admin:billing_document_change", args=[document.pk]))


def bytes_of(document: Document) -> Iterator[bytes]:
    for part in DocumentPart.objects.filter(document=document).order_by("number").iterator(chunk_size=1):
        yield part.content.encode("latin-1")


def in_lines(text: str) -> str:
    """A segment a line, where the file has no lines of its own."""
    return text if "\n" in text or "\r" in text else text.replace("~", "~\n")


def page_of(document: Document) -> dict[str, Any]:
    """What the page of a file shows: where it came from, what is in it, what reading it came to."""
    payments = Payment.objects.filter(document=document).order_by("place")[:PAYMENTS_SHOWN]
    return {
        "document": document,
        "tone": DOCUMENT_TONES[document.state],
        "batch": Batch.objects.filter(document=document).first(),
        "envelopes": document.envelopes[:ENVELOPES_SHOWN],
        "more_envelopes": max(0, len(document.envelopes) - ENVELOPES_SHOWN),
        "findings": [(place, SENTENCES.get(code, code), code) for place, code in document.findings[:FINDINGS_SHOWN]],
        "more_findings": max(0, len(document.findings) - FINDINGS_SHOWN),
        "said": said_of(document),
        "events": ClaimEvent.objects.filter(document=document).aggregate(n=Count("pk"))["n"],
        "unmatched": Answer.objects.filter(document=document).count(),
        "payments": [{"row": row, "tone": PAYMENT_TONES[row.state]} for row in payments],
    }


def said_of(document: Document) -> dict[str, Any]:
    """Its counts; what is no plain number or text has a place of its own on the page."""
    return {name: value for name, value in document.said.items() if isinstance(value, int | str)}
