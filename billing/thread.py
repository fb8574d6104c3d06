"""The thread of a claim, from the visit to the dollars: for pages and the API, as data, in the order of thread_order.

Whoever asks has the claim from its region's scope; everything else here is of the same region.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.models import Batch, Claim, ClaimEvent, Document, Payment
from billing.thread_order import order_of
from claims.edi.status import ADJUDICATED, State
from clinic.models import ServiceWrite

ACKNOWLEDGEMENTS = ("TA1", "999", "997")
OF_TEST = "In a test file: "


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that happened. `kind`: visit, service, claim, batch, acknowledgement, status, report, remittance, ours.

    `at`: when we heard of it; `day`: ISO, what the answer is dated, of a remittance the day of payment. `event`: of a
    ClaimEvent its id. `test`: said of a test file that the claim was taken out of.
    Dollars: `charge` of what was billed, `paid` and `share` of a remittance; None where it says none.
    """

    at: datetime
    kind: str
    title: str
    claim: int | None = None
    says: str = ""
    code: str = ""
    state: str = ""
    document: int | None = None
    batch: int | None = None
    payment: int | None = None
    charge: Decimal | None = None
    paid: Decimal | None = None
    share: Decimal | None = None
    day: str = ""
    event: int = 0
    test: bool = False
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One claim of the thread, the first version first."""

    claim: int
    control: str
    frequency: str
    state: str
    charge: Decimal
    paid: Decimal
    share: Decimal
    batch: int | None
    set_number: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Thread:
    """`charge` is of the last version; `paid` of all, since each payment was made on one of them."""

    appointment: str
    visit: datetime | None
    service: int | None
    day: date
    charge: Decimal
    paid: Decimal
    share: Decimal
    versions: list[Version]
    entries: list[Entry]


def thread_of(claim: Claim) -> Thread:
    """A handful of queries, however long the thread is."""
    claims = versions_of(claim)
    write = claims[0].write
    events = list(ClaimEvent.objects.filter(claim__in=claims).select_related("document").order_by("id"))
    entries = [*_before(claims[0], write), *_sent(claims), *_said(events)]
    last = claims[-1]
    return Thread(
        appointment=last.appointment_id,
        visit=write.start if write else None,
        service=write.pk if write else None,
        day=last.first_day,
        charge=last.charge,
        paid=sum((one.paid for one in claims), Decimal(0)),
        share=last.share,
        versions=[_version(one) for one in claims],
        entries=sorted(entries, key=order_of(claims, events, claim.region.zone).place),
    )


def versions_of(claim: Claim) -> list[Claim]:
    """The claim with all that it replaces and that replace it, the first one first."""
    rows = Claim.objects.filter(region=claim.region_id).select_related("batch_set__batch__document", "write")
    rows = rows.defer("content")
    found = [rows.get(pk=claim.pk)]
    while found[0].replaces_id is not None:
        found.insert(0, rows.get(pk=found[0].replaces_id))
    known = {one.pk for one in found}
    while later := list(rows.filter(replaces__in=known).exclude(pk__in=known).order_by("pk")):
        found += later
        known |= {one.pk for one in later}
    return sorted(found, key=lambda one: one.pk)


def _before(first: Claim, write: ServiceWrite | None) -> list[Entry]:
    if write is None:
        return []
    visit = Entry(at=write.start, kind="visit", title=f"Visit {write.appointment_id}")
    service = Entry(
        at=write.created_at, kind="service", title="Recovered services written", state=write.state, charge=write.value,
        detail={"service": write.pk, "session": write.session_id},
    )  # fmt: skip
    return [visit, service]


def _sent(claims: Sequence[Claim]) -> list[Entry]:
    entries = []
    for one in claims:
        title = f"Claim {one.control}" + (f", frequency {one.frequency}" if one.frequency != "1" else "")
        entries.append(Entry(at=one.created_at, kind="claim", title=title, claim=one.pk, charge=one.charge))
        batch = one.batch_set.batch if one.batch_set else None
        if batch is not None:
            entries.append(
                Entry(
                    at=batch.created_at, kind="batch", title=f"Batch {batch.control:09d}", claim=one.pk,
                    says=batch.get_state_display(), document=batch.document_id, batch=batch.pk, charge=one.charge,
                )
            )  # fmt: skip
    return entries


def _said(events: Sequence[ClaimEvent]) -> list[Entry]:
    payments = {
        (row.document_id, row.place): row.pk
        for row in Payment.objects.filter(document__in={event.document_id for event in events} - {None})
    }
    tests = {event.document_id for event in events if event.test and event.state == State.BATCHED}
    batches = dict(Batch.objects.filter(document__in=tests).values_list("document", "pk")) if tests else {}
    return [
        _test_batch(event, batches[event.document_id])
        if event.test and event.state == State.BATCHED and event.document_id in batches
        else _entry(event, payments.get((event.document_id or 0, event.place)))
        for event in events
    ]


def _test_batch(event: ClaimEvent, batch: int) -> Entry:
    """One that the claim was taken out of."""
    return Entry(
        at=event.at, kind="batch", title=f"{OF_TEST}{event.says}", claim=event.claim_id, document=event.document_id,
        batch=batch, state=event.state, event=event.pk, test=True,
    )  # fmt: skip


def _entry(event: ClaimEvent, payment: int | None) -> Entry:
    adjudicated = event.state in ADJUDICATED
    return Entry(
        at=event.at,
        kind=_kind(event),
        title=(OF_TEST if event.test else "") + (event.state or event.says or event.code),
        claim=event.claim_id,
        says=event.says,
        code=event.code,
        state=event.state,
        document=event.document_id,
        payment=payment if adjudicated else None,
        paid=event.paid if adjudicated else None,
        share=event.share if adjudicated else None,
        day=event.day,
        event=event.pk,
        test=event.test,
        detail=event.detail,
    )


def _kind(event: ClaimEvent) -> str:
    document = event.document
    if event.state in ADJUDICATED:
        return "remittance"
    if document is None or document.direction == Document.Direction.SENT:
        return "ours"
    if document.kind in ACKNOWLEDGEMENTS:
        return "acknowledgement"
    return "status" if event.detail.get("statuses") else "report"


def _version(claim: Claim) -> Version:
    return Version(
        claim=claim.pk,
        control=claim.control,
        frequency=claim.frequency,
        state=claim.state,
        charge=claim.charge,
        paid=claim.paid,
        share=claim.share,
        batch=claim.batch_set.batch_id if claim.batch_set else None,
        set_number=claim.batch_set.number if claim.batch_set else "",
    )
