"""What was handed out of a payment that no longer stands: taken back, to the cent, by the next 835 that goes its way.

A document that was handed out before its night was undone has paid its claims. Each of them is reversed (CLP02 22, all
amounts negated) before what the claims come to now (edi.md 6.4); what that leaves below zero is carried forward, and
taken from the next payment that goes the same way (PLB FB, edi.md 6.5). A reversal that never left did nothing: it is
written again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet

from claims.edi import payments, remittance
from claims.edi.answers import read
from claims.edi.claims import Adjustment, Name
from claims.edi.findings import Findings
from claims.edi.write835 import BALANCE_FORWARD
from claims.models import Night, RemittanceDocument
from claims.pipeline.ways import SUMS, Way

REVERSED = "22"  # CLP02


@dataclass(frozen=True, kw_only=True)
class Owed:
    """Of one way: `taken_back`, the documents whose claims are to be reversed, and `carried`, those that left something
    below zero to the next."""

    taken_back: tuple[RemittanceDocument, ...] = ()
    carried: tuple[RemittanceDocument, ...] = ()

    def sum(self, name: str) -> int:
        """Of SUMS, of what is taken back."""
        return sum(getattr(each, name) for each in self.taken_back)

    @property
    def offsets(self) -> tuple[payments.Offset, ...]:
        return tuple(
            payments.Offset(reason=BALANCE_FORWARD, reference=each.trace, amount=_dollars(each.carried))
            for each in self.carried
        )

    @property
    def offset(self) -> int:
        return sum(each.carried for each in self.carried)


def owed(night: Night) -> dict[tuple[str, Way], Owed]:
    """By provider and way, in order: what this night's documents have to make good, of its own, of nights before, and
    of later ones that were taken off the calendar, which make good nothing any more."""
    standing = Night.objects.filter(region=night.region_id, run_date=OuterRef("run_date"))
    of_whom = Q(run_date__lte=night.run_date) | ~Exists(standing)
    known = RemittanceDocument.objects.filter(of_whom, region=night.region_id).order_by("number")
    left = known.exclude(handed_out_at=None)
    found: dict[tuple[str, Way], dict[str, list[RemittanceDocument]]] = {}
    for name, those in (
        ("taken_back", left.exclude(voided_at=None).filter(_not_done("reversed_in"))),
        ("carried", _standing_or_left(known).filter(_not_done("carried_in"), carried__gt=0)),
    ):
        for each in those:
            of_way = found.setdefault((each.provider_npi, way_of(each)), {})
            of_way.setdefault(name, []).append(each)
    return {key: Owed(**{name: tuple(some) for name, some in found[key].items()}) for key in sorted(found)}


def _standing_or_left(known: QuerySet[RemittanceDocument]) -> QuerySet[RemittanceDocument]:
    return known.filter(Q(voided_at=None) | Q(handed_out_at__isnull=False))


def _not_done(where: str) -> Q:
    """In no document, or in one that is void and never left."""
    nowhere = Q(**{where: None})
    return nowhere | Q(**{f"{where}__voided_at__isnull": False, f"{where}__handed_out_at": None})


def way_of(document: RemittanceDocument) -> Way:
    return Way(*(getattr(document, name) for name in Way._fields))


def note(owed: Owed, document: RemittanceDocument) -> None:
    """Inside the transaction that stores the document: it makes good what was owed."""
    _of(owed.taken_back).update(reversed_in=document)
    _of(owed.carried).update(carried_in=document)


def _of(documents: Iterable[RemittanceDocument]) -> QuerySet[RemittanceDocument]:
    return RemittanceDocument.objects.filter(pk__in=[each.pk for each in documents])


def reversals(content: bytes) -> Iterator[payments.RemittedClaim]:
    """Each claim that an 835 of ours has paid, taken back. Its own reversals stay: what they took back was not its."""
    for _, said in read(content, Findings()):
        for each in said:
            if isinstance(each, remittance.PaidClaim) and each.code != REVERSED:
                yield _reversal(each)


def _reversal(claim: remittance.PaidClaim) -> payments.RemittedClaim:
    people = {party.role: party for party in claim.parties}
    patient, insured = people["QC"], people.get("IL")
    return payments.RemittedClaim(
        account=claim.account, code=REVERSED, charge=-claim.charge, paid=-claim.paid, filing=claim.filing,
        number=claim.payer_claim, place=claim.place, frequency=claim.frequency, patient=_name(patient),
        insured=_name(insured) if insured else None, member_id=(insured or patient).id,
        adjustments=_negated(claim.adjustments), lines=tuple(map(_line, claim.lines)),
    )  # fmt: skip


def _line(line: remittance.PaidLine) -> payments.RemittedLine:
    """What is allowed is not said: it is of what is paid."""
    return payments.RemittedLine(
        control=line.reference, procedure=line.procedure, modifiers=tuple(line.modifiers), charge=-line.charge,
        paid=-line.paid, units=line.units, units_sent=line.units_sent, begins=line.first_day, ends=line.last_day,
        adjustments=_negated(line.adjustments),
    )  # fmt: skip


def _negated(adjustments: Iterable[remittance.Adjustment]) -> tuple[Adjustment, ...]:
    return tuple(Adjustment(group=one.group, reason=one.reason, amount=-one.amount) for one in adjustments)


def _name(party: remittance.Party) -> Name:
    return Name(last=party.last, first=party.first, middle=party.middle, suffix=party.suffix)


def _dollars(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def file_sums(lines: dict[str, int], owed: Owed) -> dict[str, int]:
    """SUMS of a file: of the night's lines, and of the reversals before them, whose amounts are negative."""
    signs = {"claims": 1, "lines": 1, "billed": -1, "paid": -1}
    return {name: lines[name] + signs[name] * owed.sum(name) for name in SUMS}
