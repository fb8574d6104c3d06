"""Claims of a region as they stand in the database: sent, answered, paid, refused; files, payments, an answer."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.utils import timezone

from billing.content import stored
from billing.events import record
from billing.models import (
    Answer,
    Batch,
    BatchSet,
    BillingPayer,
    Claim,
    ClaimEvent,
    ClaimLine,
    Document,
    DocumentPart,
    LoadedService,
    Payment,
    Unclaimable,
)
from claims.edi.claims import Kind
from claims.edi.status import State
from clinic.models import ServiceWrite
from regions.models import Region
from tests.edi import made

LAST, FIRST, MEMBER, PATIENT = "Okonkwo", "Ngozi", "W0099887766", "pat-0815"
BORN = date(1961, 2, 3)
SECRETS = (LAST, FIRST, MEMBER, PATIENT, BORN.isoformat())
CONTENT = f"ISA*00*~GS*HC*~NM1*IL*1*{LAST.upper()}*{FIRST.upper()}****MI*{MEMBER}~SE*1*0001~"


@dataclass
class Billing:
    """What stands in the database of one region: each kind of thing once, and five claims."""

    region: Region
    paid: Claim
    denied: Claim
    sent: Claim
    refused: Claim
    ready: Claim
    batch: Batch
    unconfirmed: Batch
    answer: Answer
    parked: Payment
    posted: Payment
    remittance: Document
    unclaimable: Unclaimable


def make_claim(region: Region, number: int, *, charge: str = "120.00", **fields: Any) -> Claim:
    """A claim of one line, whose content names a member."""
    content = made.claims(Kind.MED, 1)[0]
    member = replace(
        content.subscriber, member_id=MEMBER, birth_date=BORN, sex="F",
        name=replace(content.subscriber.name, last=LAST, first=FIRST),
    )  # fmt: skip
    control = f"MR{region.pk:02d}{number:07d}"
    content = replace(content, control=control, subscriber=member, patient=None)
    day = timezone.now().date() - timedelta(days=20)
    values = {
        "control": control, "kind": "MED", "appointment_id": f"V-{region.pk}-{number}", "patient_id": PATIENT,
        "payer_id": "60054", "provider": "1245319599", "first_day": day, "last_day": day, "charge": Decimal(charge),
        "content": stored(content),
    }  # fmt: skip
    claim = Claim.objects.create(region=region, **{**values, **fields})
    ClaimLine.objects.create(
        claim=claim, number=1, control=f"{control}01", block_code="B1", procedure="99213", charge=Decimal(charge),
        quantity=1, first_day=day, last_day=day,
    )  # fmt: skip
    return claim


def make_document(region: Region, content: str = CONTENT, **fields: Any) -> Document:
    values = {
        "direction": "received", "kind": "999", "name": "12345_answer_999.999", "folder": "outbound",
        "size": len(content), "sha256": sha256(f"{region.pk} {fields} {content}".encode()).hexdigest(), "state": "read",
        "envelopes": [["000000042", "42", "999", "0001"]],
        "findings": [["segment 12, CLP03", "amount"]],
    }  # fmt: skip
    document = Document.objects.create(region=region, **{**values, **fields})
    DocumentPart.objects.create(document=document, number=0, content=content)
    return document


def make_batch(region: Region, control: int, **fields: Any) -> Batch:
    name = f"837P_MED_{region.name}_{control:09d}.txt"
    document = make_document(
        region, direction="sent", kind="837P", name=name, folder="inbound", envelopes=[], findings=[]
    )
    values = {
        "kind": "MED", "sender": f"NW{region.pk}", "receiver": f"CH{region.pk}", "usage": "P", "claims": 3,
        "charge": Decimal("360.00"), "state": "uploaded", "uploaded_at": timezone.now() - timedelta(hours=30),
    }  # fmt: skip
    batch = Batch.objects.create(region=region, document=document, control=control, **{**values, **fields})
    BatchSet.objects.create(
        batch=batch,
        number="0001",
        reference=f"P{control:09d}0001",
        claims=3,
        charge=batch.charge,
        acknowledged="A" if batch.acknowledged_at else "",
    )
    return batch


def tell(claim: Claim, state: str, document: Document | None = None, **fields: Any) -> None:
    values = {"key": f"{state} {fields.get('code', '')}", "state": state, "document": document, "set_number": "0001"}
    record([ClaimEvent(claim=claim, **{**values, **fields})])
    claim.refresh_from_db()


def adjudicate(
    claim: Claim,
    document: Document,
    state: str,
    paid: str,
    share: str,
    reasons: list[list[str | None]],
    day: str = "2026-03-20",
) -> None:
    line = {"control": f"{claim.control}01", "procedure": "99213", "charge": str(claim.charge), "paid": paid}
    detail = {
        "charge": str(claim.charge), "share": share, "contractual": "0", "denied": "0", "payer_claim": f"ICN{claim.pk}",
        "lines": [{**line, "adjustments": reasons, "remarks": ["N130"]}],
    }  # fmt: skip
    tell(
        claim, state, document, code="1", paid=Decimal(paid), share=Decimal(share), day=day, payment="1 T1",
        segment=claim.pk, detail=detail,
    )  # fmt: skip


def make_billing(region: Region, write: ServiceWrite | None = None) -> Billing:
    """Three claims in a batch, one paid and one denied; one refused, one ready; and what waits for a person."""
    BillingPayer.objects.create(region=region, payer_id="60054", name="Aetna", filing_days=365)
    batch = make_batch(region, 42, acknowledged_at=timezone.now())
    unconfirmed = make_batch(region, 43, state="unconfirmed", detail="The connection broke after the last byte.")
    in_batch: dict[str, Any] = {"batch_set": batch.sets.get()}
    paid, denied, sent = (make_claim(region, number, **in_batch) for number in (1, 2, 3))
    ready, refused = make_claim(region, 4), make_claim(region, 5, charge="80.50")
    Claim.objects.filter(pk=refused.pk).update(refused=[["npi", "The NPI is not a valid one: correct it."]])
    Claim.objects.filter(pk=paid.pk).update(write=write)
    answered = make_document(region)
    remittance = make_document(region, kind="835", name="9_ERA_835.835", findings=[])
    for claim in (paid, denied, sent):
        tell(claim, State.BATCHED, batch.document, says="Batch 000000042")
        tell(claim, State.UPLOADED, batch.document, says="Batch 000000042")
        tell(claim, State.RECEIVED, answered, code="A")
    tell(ready, State.VALIDATED)
    written_off: list[str | None] = ["CO", "45", "10.00", None]
    copay: list[str | None] = ["PR", "3", "20.00", None]
    adjudicate(paid, remittance, State.PARTLY_PAID, "90.00", "20.00", [written_off, copay])
    adjudicate(denied, remittance, State.DENIED, "0.00", "0.00", [["CO", "16", "120.00", None]])
    of_payment = {"region": region, "document": remittance, "payer": "Aetna", "originator": "1", "claims": 2}
    posted = Payment.objects.create(
        **of_payment, place=1, trace="T1", state="posted", total=Decimal("90.00"), paid=Decimal("90.00"),
        paid_on=date(2026, 3, 20),
    )  # fmt: skip
    parked = Payment.objects.create(
        **of_payment, place=2, trace="T2", state="parked", total=Decimal("100.00"), paid=Decimal("90.00"),
        adjusted=Decimal("5.00"), difference=Decimal("-15.00"), faults=["payment does not balance"],
        adjustments=[["WO", "REF-9", "5.00"]],
    )  # fmt: skip
    answer = Answer.objects.create(
        region=region, document=remittance, kind="835", reference="UNKNOWN42", code="1", amount=Decimal("55.00"),
        detail={
            "of_claim": True, "key": "k-unknown", "state": "paid", "says": "0 of 1 lines denied.", "day": "2026-03-20",
            "payment": "1 T1", "paid": "55.00", "share": "0", "place": 1, "segment": 9,
            "detail": {"charge": "60.00", "lines": []},
        },
    )  # fmt: skip
    loaded = LoadedService.objects.create(
        region=region, service_id=f"S-{region.pk}", patient_id=PATIENT, department_id="D1", case_id="C1",
        day=date(2026, 3, 2), block_code="B7", quantity=1, price=Decimal("44.00"), value=Decimal("44.00"),
    )  # fmt: skip
    unclaimable = Unclaimable.objects.create(
        region=region, loaded=loaded, day=loaded.day, at_stake=Decimal("44.00"), lacks="charge;patient.birth_date",
        missing=[["charge", "B7"], ["patient.birth_date", PATIENT]],
    )  # fmt: skip
    return Billing(
        region, paid, denied, sent, refused, ready, batch, unconfirmed, answer, parked, posted, remittance, unclaimable
    )
