"""What the billing tells of a visit: billing.thread with colours, files by name, and codes in words."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from backoffice.formats import money
from billing.admin.words import TONES
from billing.models import Claim, Document
from billing.thread import Entry, Thread, thread_of
from claims.edi.code_texts import ELEMENT_ERRORS, SEGMENT_ERRORS
from claims.edi.status import State
from clinic.booking.outside.threads import Link, Row, Visit, merged

# What these say, the claim and the batch of the same thread say with their dollars.
SAID_ALREADY = (State.DRAFT, State.BATCHED)
# What two claims of one visit have in common.
ONCE = ("visit", "service")


def rows_of(visit: Visit) -> list[Row]:
    """The threads of the visit's claims, and of the one whose page it is; each thing once.

    Of the visit's region. Claims that were withdrawn are of a thread only with what replaces them.
    """
    own = Q(pk=visit.claim) if visit.claim else Q(pk=None)
    if visit.number:
        own |= Q(appointment_id=visit.number, withdrawn=False)
    rows: list[Row] = []
    told: set[int] = set()
    for claim in (
        Claim.objects.filter(own, region=visit.region).select_related("region").defer("content").order_by("id")
    ):
        if claim.pk not in told:
            thread = thread_of(claim)
            told |= {version.claim for version in thread.versions}
            new = [row for row in thread_rows(thread, visit) if row.kind not in ONCE or row not in rows]
            rows = merged(rows, new, visit.region.zone)
    return rows


def thread_rows(thread: Thread, visit: Visit) -> list[Row]:
    """The first thing first. One query, for the files."""
    entries = [entry for entry in thread.entries if not (entry.kind == "ours" and entry.state in SAID_ALREADY)]
    documents = Document.objects.in_bulk({entry.document for entry in entries} - {None})
    versions = {version.claim for version in thread.versions}
    return [_row(entry, documents.get(entry.document or 0), visit, versions) for entry in entries]


def _row(entry: Entry, document: Document | None, visit: Visit, versions: set[int]) -> Row:
    return Row(
        at=entry.at,
        kind=entry.kind,
        title=entry.title[:1].upper() + entry.title[1:],
        says=" ".join(filter(None, (entry.says if entry.says != entry.title else "", *errors_of(entry.detail)))),
        tone=TONES.get(entry.state, ""),
        links=tuple(_links(entry, document, visit)),
        notes=tuple(_notes(entry, visit, versions)),
        day=entry.day,
        charge=_dollars(entry.charge),
        paid=_dollars(entry.paid),
        share=_dollars(entry.share),
    )


def _links(entry: Entry, document: Document | None, visit: Visit) -> Iterator[Link]:
    """The file that says so, else what it tells of."""
    if entry.kind == "visit":
        query = urlencode({"status": "all", "region": visit.region.name, "q": visit.number})
        yield Link("in the worklist", f"{reverse('admin:clinic_missingservice_changelist')}?{query}")
    if service := entry.detail.get("service"):
        yield Link(f"write {service}", reverse("admin:clinic_servicewrite_change", args=[service]))
    if document is not None:
        yield Link(document.name, reverse("admin:billing_document_change", args=[document.pk]))
    elif entry.claim:
        yield Link(f"claim {entry.claim}", reverse("admin:billing_claim_change", args=[entry.claim]))
    if entry.payment:
        yield Link(f"payment {entry.payment}", reverse("admin:billing_payment_change", args=[entry.payment]))


def _notes(entry: Entry, visit: Visit, versions: set[int]) -> Iterator[str]:
    if entry.detail.get("service"):
        yield entry.state
    if entry.code:
        yield f"code {entry.code}"
    if visit.claim and entry.claim and entry.claim != visit.claim:
        yield "of another version" if visit.claim in versions else "of another claim of the visit"


def _dollars(amount: Decimal | None) -> str:
    return "" if amount is None else money(amount)


def errors_of(detail: dict[str, Any]) -> Iterator[str]:
    """What a 999 found wrong, in words: which segment, which element."""
    for error in detail.get("errors", ()):
        if isinstance(error, dict):
            says = SEGMENT_ERRORS.get(error.get("code", ""), "")
            elements = (f"{place}: {ELEMENT_ERRORS.get(code, code)}" for place, code in error.get("elements", ()))
            yield " ".join(filter(None, (f"{error.get('segment', '')}: {says}", *elements)))
