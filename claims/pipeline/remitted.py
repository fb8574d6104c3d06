"""A provider's remitted lines as the claims of an 835: what the night came to, joined with what the sender had said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from claims.edi.claims import Adjustment, Name
from claims.edi.payments import RemittedClaim, RemittedLine
from claims.models import Night, ReceivedClaim, StagedBatch, StagedLine

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 500  # claims whose senders' words are held
PROCESSED, DENIED, MEMBER_UNKNOWN = "1", "4", 31  # CLP02, and the CARC code that makes a denial one by CLP02
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What was sent of a line."""

    control: str
    procedure: str
    modifiers: tuple[str, ...] = ()
    units: str
    begins: str
    ends: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What was sent of a claim, by the night's claim id; `lines` by number."""

    account: str
    filing: str = ""
    place: str = ""
    frequency: str = ""
    patient: Name | None = None
    insured: Name | None = None
    member_id: str
    lines: Mapping[int, Told]


def remitted_claims(night: Night, lines: pl.DataFrame) -> Iterator[RemittedClaim]:
    """Of lines in the order of their claims; some claims at a time."""
    claims = groupby(lines.iter_rows(named=True), key=itemgetter("claim_id"))
    grouped = ((claim_id, list(rows)) for claim_id, rows in claims)
    while some := list(islice(grouped, AT_ONCE)):
        names = [claim_id for claim_id, _ in some]
        sent = _received(night, names)
        sent |= _staged(night, [claim_id for claim_id in names if claim_id not in sent])
        for claim_id, rows in some:
            yield _claim(claim_id, sent[claim_id], rows)


def _received(night: Night, claim_ids: list[str]) -> dict[str, Sent]:
    """Of claims that came as 837P."""
    found = ReceivedClaim.objects.filter(region=night.region_id, claim_id__in=claim_ids)
    return {each.claim_id: _of_received(each) for each in found}


def _of_received(claim: ReceivedClaim) -> Sent:
    document = claim.document
    lines = {
        number: Told(
            control=control, procedure=procedure, modifiers=tuple(modifiers), units=units, begins=begins, ends=ends
        )
        for number, (control, procedure, modifiers, units, begins, ends) in enumerate(document["lines"], 1)
    }
    return Sent(
        account=claim.account, filing=claim.filing, place=claim.place, frequency=claim.frequency,
        patient=_name(document["patient"]), insured=_name(document["insured"]) if document["insured"] else None,
        member_id=document["member_id"], lines=lines,
    )  # fmt: skip


def _name(parts: list[str]) -> Name:
    last, first, middle, suffix = parts
    return Name(last=last, first=first, middle=middle, suffix=suffix)


def _staged(night: Night, claim_ids: list[str]) -> dict[str, Sent]:
    """Of claims that came as lines: the staged line is all that is known of them. Its number is its control number."""
    if not claim_ids:
        return {}
    batches = StagedBatch.objects.filter(region=night.region_id, run_date=night.run_date)
    found: dict[str, list[StagedLine]] = {}
    for line in StagedLine.objects.filter(batch__in=batches, claim_id__in=claim_ids):
        found.setdefault(line.claim_id, []).append(line)
    return {claim_id: _of_lines(claim_id, lines) for claim_id, lines in found.items()}


def _of_lines(claim_id: str, lines: list[StagedLine]) -> Sent:
    told = {
        line.line_number: Told(
            control=str(line.line_number), procedure=line.procedure_code, units=line.units, begins=line.service_date
        )
        for line in lines
    }
    return Sent(account=claim_id, member_id=lines[0].member_id, lines=told)


def _claim(claim_id: str, sent: Sent, rows: list[Row]) -> RemittedClaim:
    unknown = all(row["denial"] == MEMBER_UNKNOWN for row in rows)
    return RemittedClaim(
        account=sent.account, code=DENIED if unknown else PROCESSED, number=claim_id, filing=sent.filing,
        place=sent.place, frequency=sent.frequency, patient=sent.patient, insured=sent.insured,
        member_id=sent.member_id, charge=_dollars(sum(row["billed"] for row in rows)),
        paid=_dollars(sum(row["paid"] for row in rows)),
        lines=tuple(_line(sent.lines[row["line_number"]], row) for row in rows),
    )  # fmt: skip


def _line(told: Told, row: Row) -> RemittedLine:
    """Of a denied line no unit is paid, and nothing is allowed."""
    denied = bool(row["denial"])
    units = Decimal(told.units or 0)
    return RemittedLine(
        control=told.control, procedure=told.procedure, modifiers=told.modifiers, charge=_dollars(row["billed"]),
        paid=_dollars(row["paid"]), units=Decimal(0) if denied else units, units_sent=units if denied else None,
        begins=_day(told.begins), ends=_day(told.ends),
        allowed=None if denied else _dollars(row["billed"] - row["co_45"]), adjustments=tuple(_adjustments(row)),
    )  # fmt: skip


def _adjustments(row: Row) -> Iterator[Adjustment]:
    amounts = (
        ("CO", 45, row["co_45"]), ("PR", 1, row["pr_1"]), ("PR", 2, row["pr_2"]), ("PR", 3, row["pr_3"]),
        (row["denied_group"], row["denial"], row["denied_amount"]),
    )  # fmt: skip
    for group, reason, cents in amounts:
        if cents:
            yield Adjustment(group=group, reason=str(reason), amount=_dollars(cents))


def _dollars(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
