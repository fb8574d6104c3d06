"""277CA: what became of claims on their way, at the clearinghouse (AY) and then at the payer (PR). Source: edi.md 6.3.

A rejection may stand on three levels: of the whole batch, of all claims of a provider, of one claim or one of its
lines. `pushed_down` brings the upper two down to the claims that they concern. What is decided is decided by category,
never by the action code (STC03), which says "accept" in some rejections. A payer's 277 (X212) is read in the same way.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from claims.edi.envelope import Transaction
from claims.edi.findings import Findings
from claims.edi.status import REJECTED
from claims.edi.values import ZERO, count, money, quantity
from claims.edi.x12 import Segment

LEVELS = {"20": "source", "21": "batch", "19": "provider", "PT": "claim", "22": "claim", "23": "claim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """STC01, 10 or 11: category, status and whom it is about, as codes. `action`: STC03, kept and not decided by."""

    segment: int
    category: str
    code: str
    entity: str
    action: str


@dataclass(slots=True, kw_only=True)
class LineAnswer:
    """2220D. `reference`: our line control number, REF FJ."""

    segment: int
    reference: str = ""
    statuses: list[Status] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class StatusAnswer:
    """What is said of a batch, a provider or a claim (`level`).

    `source`: AY or PR. `batch`: our BHT03. `provider`: NPI or tax id. `account`: our CLM01, of a claim only. Counts and
    amounts (QTY, AMT) are those that the sender gives for a batch or a provider: all or none, as `counted` and `summed`
    say. `charge`: STC04 of a batch or provider, None where it is empty.
    """

    segment: int
    level: str
    source: str
    batch: str = ""
    provider: str = ""
    account: str = ""
    payer_claim: str = ""
    clearinghouse_claim: str = ""
    statuses: list[Status] = field(default_factory=list)
    lines: list[LineAnswer] = field(default_factory=list)
    accepted: int = 0
    rejected: int = 0
    accepted_amount: Decimal = ZERO
    rejected_amount: Decimal = ZERO
    counted: bool = False
    summed: bool = False
    charge: Decimal | None = None

    @property
    def all_statuses(self) -> list[Status]:
        return [*self.statuses, *(status for line in self.lines for status in line.statuses)]

    @property
    def is_rejection(self) -> bool:
        """One rejected line rejects the claim."""
        return any(status.category in REJECTED for status in self.all_statuses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A claim of ours, as far as an answer may name it."""

    account: str
    batch: str
    provider: str
    tax_id: str = ""


def pushed_down(answers: Iterable[StatusAnswer], sent: Iterable[Sent]) -> Iterator[StatusAnswer]:
    """The answers of one set about claims, and each rejection of a batch or provider as one of each claim sent in it.

    A claim that the set itself answers is left to that answer. Receipts of a batch or provider say nothing of a claim.
    """
    above: list[StatusAnswer] = []
    answered: set[str] = set()
    for answer in answers:
        if answer.level == "claim":
            answered.add(answer.account)
            yield answer
        elif answer.is_rejection:
            above.append(answer)
    if not above:
        return
    for claim in sent:
        if claim.account not in answered:
            rejections = (answer for answer in above if _concerns(answer, claim))
            if (worst := next(rejections, None)) is not None:
                yield replace(worst, level="claim", account=claim.account, provider=claim.provider)


def _concerns(answer: StatusAnswer, claim: Sent) -> bool:
    return answer.batch == claim.batch and (
        answer.level != "provider" or answer.provider in (claim.provider, claim.tax_id)
    )


@dataclass(slots=True)
class _Place:
    """In which loops the reading is."""

    level: str = ""
    source: str = ""
    batch: str = ""
    provider: str = ""
    answer: StatusAnswer | None = None


def read_277ca(transaction: Transaction, findings: Findings) -> Iterator[StatusAnswer]:
    """The answers in the file's order, those of batches and providers before those of their claims."""
    place = _Place()
    for segment in transaction.body:
        if segment.id == "HL" or (segment.id == "TRN" and place.answer and place.answer.statuses):
            yield from _done(place, findings)
        if segment.id == "HL":
            _enter(place, LEVELS.get(segment.at(3), ""))
        elif read := READ.get(segment.id):
            read(place, segment, findings)
    yield from _done(place, findings)


def _enter(place: _Place, level: str) -> None:
    place.level = level
    if level == "source":
        place.source = place.batch = place.provider = ""
    elif level == "batch":
        place.batch = place.provider = ""
    elif level == "provider":
        place.provider = ""


def _done(place: _Place, findings: Findings) -> Iterator[StatusAnswer]:
    answer, place.answer = place.answer, None
    if answer and answer.all_statuses:
        if answer.level == "claim" and not answer.account:
            findings.add(f"segment {answer.segment}", "no-key")
        yield answer
    elif answer and answer.account:
        findings.add(f"segment {answer.segment}", "status")


def _open(place: _Place, segment: Segment) -> StatusAnswer:
    if not place.answer:
        place.answer = StatusAnswer(
            segment=segment.number,
            level="batch" if place.level in ("source", "") else place.level,
            source=place.source,
            batch=place.batch,
            provider=place.provider,
        )
    return place.answer


def _name(place: _Place, segment: Segment, findings: Findings) -> None:
    if place.level == "source":
        place.source = segment.at(1)
    elif place.level == "provider":
        place.provider = segment.at(9)


def _trace(place: _Place, segment: Segment, findings: Findings) -> None:
    trace = segment.at(2)
    if place.level == "batch":
        place.batch = trace
        _open(place, segment).batch = trace
    elif place.level == "claim":
        _open(place, segment).account = trace


def _status(place: _Place, segment: Segment, findings: Findings) -> None:
    answer = _open(place, segment)
    owner = answer.lines[-1] if answer.lines else answer
    if answer.level != "claim" and answer.charge is None:
        answer.charge = quantity(segment, 4, findings)
    for element in (1, 10, 11):
        category, code, entity = [*segment.components(element), "", "", ""][:3]
        if category:
            said = Status(segment=segment.number, category=category, code=code, entity=entity, action=segment.at(3))
            owner.statuses.append(said)
        elif element == 1:
            findings.add(segment.place(1), "status")


def _reference(place: _Place, segment: Segment, findings: Findings) -> None:
    answer, qualifier, value = place.answer, segment.at(1), segment.at(2)
    if qualifier == "TJ" and place.level == "provider" and not place.provider:
        place.provider = value
        if answer:
            answer.provider = value
    if not answer:
        return
    if qualifier == "FJ" and answer.lines:
        answer.lines[-1].reference = value
    elif qualifier == "1K":
        answer.payer_claim = value
    elif qualifier == "D9":
        answer.clearinghouse_claim = value


def _service(place: _Place, segment: Segment, findings: Findings) -> None:
    if place.answer and place.answer.level == "claim":
        place.answer.lines.append(LineAnswer(segment=segment.number))
    else:
        findings.add(segment.place(), "hierarchy")


def _number(place: _Place, segment: Segment, findings: Findings) -> None:
    """90 and AA of a batch, QA and QC of a provider."""
    if place.answer and segment.at(1) in ("90", "QA"):
        place.answer.accepted, place.answer.counted = count(segment, 2, findings), True
    elif place.answer and segment.at(1) in ("AA", "QC"):
        place.answer.rejected, place.answer.counted = count(segment, 2, findings), True


def _amount(place: _Place, segment: Segment, findings: Findings) -> None:
    if place.answer and segment.at(1) == "YU":
        place.answer.accepted_amount, place.answer.summed = money(segment, 2, findings), True
    elif place.answer and segment.at(1) == "YY":
        place.answer.rejected_amount, place.answer.summed = money(segment, 2, findings), True


READ: dict[str, Callable[[_Place, Segment, Findings], None]] = {
    "NM1": _name, "TRN": _trace, "STC": _status, "REF": _reference, "SVC": _service, "QTY": _number, "AMT": _amount,
}  # fmt: skip
