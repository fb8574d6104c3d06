"""Claims that were sent, and the files that answer them, written by hand."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone

from backoffice.runs.models import Run
from billing.events import record
from billing.inbox.storing import Arrived, Stored, store
from billing.models import Answer, Batch, BatchSet, Claim, ClaimEvent, ClaimLine, Document, Payment
from claims.edi.status import State
from regions.models import Region
from tests.edi.written import file_of, st
from tests.running import finish, start

NPI = "1245319599"
DAY = date(2026, 1, 2)
HOUSE = {"sender": "NIGHTWARD", "group_sender": "NIGHTWARD", "submitter_id": "NW0001"}
Event = tuple[str, str, str, str]


def send(region: Region, *sets: Sequence[str], number: int = 905, state: str = Batch.State.UPLOADED) -> Batch:
    """A batch that was uploaded: one set for each list of CLM01s, of $200 each, in two lines, L1 and L2."""
    document = Document.objects.create(
        region=region, direction=Document.Direction.SENT, kind="837P", name=f"837P_MED_{region.pk}_{number:09}.txt",
        size=1, sha256=f"{region.pk}-{number}", state=Document.State.READ,
    )  # fmt: skip
    total = sum(map(len, sets))
    batch = Batch.objects.create(
        region=region, document=document, kind="MED", sender="NIGHTWARD",
        receiver="330897513", usage="P" if region.name != "south" else "T", control=number, state=state, claims=total,
        charge=200 * total, uploaded_at=timezone.now() - timedelta(hours=1),
    )  # fmt: skip
    for place, controls in enumerate(sets, start=1):
        made = BatchSet.objects.create(
            batch=batch, number=f"{place:04}", reference=f"B{number}-{place}", claims=len(controls),
            charge=200 * len(controls),
        )  # fmt: skip
        _claims(region, made, controls)
    return batch


def _claims(region: Region, made: BatchSet, controls: Sequence[str]) -> None:
    rows = [
        Claim(
            region=region, control=control, kind="MED", patient_id="p", payer_id="60054", provider=NPI, first_day=DAY,
            last_day=DAY, charge=200, batch_set=made,
        )
        for control in controls
    ]  # fmt: skip
    Claim.objects.bulk_create(rows)
    ClaimLine.objects.bulk_create(
        ClaimLine(
            claim=row, number=number, control=f"L{number}", procedure="99213", charge=charge, quantity=1,
            first_day=DAY, last_day=DAY,
        )
        for row in rows
        for number, charge in ((1, 150), (2, 50))
    )  # fmt: skip
    record(
        ClaimEvent(claim=row, key=f"uploaded {made.batch_id}", state=State.UPLOADED, document=made.batch.document)
        for row in rows
    )


def arrive(region: Region, content: bytes, name: str = "answer.txt") -> Stored:
    return store(region, Arrived(name=name, content=content, modified=1_767_600_000))


def process(region: Region) -> Run:
    """A new chain of process_claim_files, worked to its end."""
    return finish(start("process_claim_files", region))


def states(region: Region) -> dict[str, str]:
    return dict(Claim.objects.filter(region=region).order_by("control").values_list("control", "state"))


def everything(region: Region) -> list[object]:
    """What the answers have made of the region's claims, lines, batches and payments, without ids and times."""
    claims = Claim.objects.filter(region=region).order_by("control")
    lines = ClaimLine.objects.filter(claim__region=region).order_by("claim__control", "number")
    payments = Payment.objects.filter(region=region, state=Payment.State.POSTED).order_by("trace")
    events = ClaimEvent.objects.filter(claim__region=region).order_by(
        "claim__control", "state", "code", "payment", "segment"
    )
    sets = BatchSet.objects.filter(batch__region=region).order_by("batch__control", "number")
    answers = Answer.objects.filter(region=region).order_by("kind", "reference", "code")
    return [
        list(claims.values_list("control", "state", "paid", "share", "corrected", "payer_claim")),
        list(lines.values_list("claim__control", "control", "paid")),
        list(payments.values_list("trace", "total", "paid", "claims", "unmatched")),
        list(events.values_list("claim__control", "state", "code", "paid", "payment")),
        list(sets.values_list("number", "acknowledged")),
        list(answers.values_list("kind", "reference", "code")),
    ]


def ta1(code: str = "A", *, number: int = 905, note: str = "000") -> bytes:
    head = file_of("999", number=number + 1).decode().split("GS*")[0]
    return f"{head}TA1*{number:09}*260105*1200*{code}*{note}~IEA*0*{number + 1:09}~".encode()


def syntax(*codes: str, number: int = 905, whole: str = "") -> bytes:
    """A 999: a code for each set, and one for the group."""
    segments = [f"AK1*HC*{number}*005010X222A1"]
    for place, code in enumerate(codes, start=1):
        segments += [f"AK2*837*{place:04}", f"IK5*{code}" + ("*5" if code == "R" else "")]
    group = whole or ("P" if len(set(codes)) > 1 else (codes or ("A",))[0])
    return file_of("999", st("999", *segments, f"AK9*{group}*{len(codes)}*{len(codes)}*1"))


def status(
    reference: str, claims: Iterable[tuple[str, str]] = (), *, source: str = "AY", head: str = "A1:19",
    totals: Sequence[str] = (), of_provider: Sequence[str] = (),
) -> bytes:  # fmt: skip
    """A 277CA of one batch: (CLM01, category and code) of each claim; `head` is the status of the batch. `totals` and
    `of_provider`: segments with the totals of the batch, and the provider's status and totals."""
    segments = [
        "BHT*0085*08*OA1*20260105*1200*TH", "HL*1**20*1", f"NM1*{source}*2*SOURCE*****46*330897513", "TRN*1*R1",
        "HL*2*1*21*1", "NM1*41*2*CLINIC*****46*NW0001", f"TRN*2*{reference}", f"STC*{head}*20260105*WQ", *totals,
        "HL*3*2*19*1", f"NM1*85*2*CLINIC*****XX*{NPI}", *of_provider,
    ]  # fmt: skip
    for number, (account, category) in enumerate(claims, start=4):
        segments += [
            f"HL*{number}*3*PT", "NM1*QC*1*DOE*JANE****MI*M1", f"TRN*2*{account}", f"STC*{category}*20260105*WQ*200",
            f"REF*1K*ICN{account}",
        ]  # fmt: skip
    return file_of("277", st("277", *segments))


def paid(account: str, *, code: str = "1") -> list[str]:
    """$130 of $200: L1 paid but for $20 of the patient's, L2 cut by contract."""
    return [
        f"CLP*{account}*{code}*200*130*20*12*ICN{account}*11*1", "NM1*QC*1*DOE*JANE****MI*M1",
        "SVC*HC:99213*150*130**1", "CAS*PR*1*20", "REF*6R*L1", "SVC*HC:99214*50*0**1", "CAS*CO*45*50", "REF*6R*L2",
    ]  # fmt: skip


def denied(account: str) -> list[str]:
    return [f"CLP*{account}*1*200*0*0*12*ICN{account}*11*1", "CAS*CO*197*200"]


def reversed_(account: str) -> list[str]:
    """`paid` taken back."""
    return [
        f"CLP*{account}*22*-200*-130*-20*12*ICN{account}*11*1", "SVC*HC:99213*-150*-130**1", "CAS*PR*1*-20",
        "REF*6R*L1", "SVC*HC:99214*-50*0**1", "CAS*CO*45*-50", "REF*6R*L2",
    ]  # fmt: skip


def remittance(trace: str, *claims: list[str], total: Decimal | int | str, day: str = "20260105") -> list[str]:
    """The segments of an 835 between ST and SE."""
    return [
        f"BPR*I*{total}*C*ACH*CCP*01*999999992*DA*123456*1512345678**01*999988880*DA*98765*{day}",
        f"TRN*1*{trace}*1512345678", "N1*PR*INSURANCE OF SOMEWHERE*XV*87726", f"N1*PE*CLINIC*XX*{NPI}", "LX*1",
        *(segment for claim in claims for segment in claim),
    ]  # fmt: skip


def payment(
    trace: str, *claims: list[str], total: Decimal | int | str, day: str = "20260105", number: int = 905
) -> bytes:
    return file_of("835", st("835", *remittance(trace, *claims, total=total, day=day)), number=number)
