"""What becomes of a set, decided before anything is written: whose it is, whether it was there before, and whether a
payment may be posted."""

from collections import Counter
from dataclasses import dataclass

from backoffice.runs.job import Chunk, Fault, Result, Total
from billing.models import Payment
from billing.reading.payments import Judged
from billing.reading.scope import Reading
from billing.reading.texts import from_text
from billing.reading.walking import FileEnd, FileRead, Found, SetRead, addressee
from billing.reading.weighing import Weighed, statements, weigh
from claims.edi.classify import Kind
from regions.models import Region

APPLIED, PARKED, REPEATED, UNMATCHED = "applied", "parked", "repeated", "unmatched"
NOT_OURS, KEPT, UNREADABLE, FOUND_LATER = "not_ours", "only_kept", "unreadable", "found_later"
OUTCOMES = (APPLIED, PARKED, REPEATED, UNMATCHED, NOT_OURS, KEPT, UNREADABLE, FOUND_LATER)
ONLY_KEPT = (Kind.PAYMENT_REPORT, Kind.TEXT)
OTHER = "another payment of this trace was posted, of another total, day or payee, or of other claims"
TEXTS = (Kind.FILE_SUMMARY, Kind.STATUS_REPORT)


@dataclass(kw_only=True, slots=True)
class Decided:
    """`payment` is of an 835 alone."""

    work: SetRead | FileRead
    outcome: str
    payment: Judged | None = None


def prepare(reading: Reading, chunk: Chunk) -> Result:
    data = chunk.data
    if isinstance(data, Found):
        return Result(read=len(data.answers), outcomes=Counter({FOUND_LATER: len(data.answers)}), rows=data)
    if isinstance(data, FileEnd):
        return Result(rows=data)
    result = _of_set(reading, data) if isinstance(data, SetRead) else _of_file(reading, data)
    for name, number in (*result.outcomes.items(), *result.totals.items()):
        if isinstance(number, int):
            data.tally[name] = data.tally.get(name, 0) + number
    return result


def _of_set(reading: Reading, work: SetRead) -> Result:
    judged = Judged()
    is_payment = work.transaction.kind == "835"
    told = statements(reading, work.transaction, work.said, judged)
    weighed = weigh(reading.region, told, look_up=not is_payment)
    elsewhere = work.elsewhere and (not is_payment or addressee(work.transaction) in reading.beside)
    if elsewhere and not weighed.matched and not weighed.marks:
        outcome = NOT_OURS  # of a payment only if another region reads it: to whom else it is, a person says
    else:
        outcome = _of_payment(reading.region, work, judged, weighed) if is_payment else _of_answers(weighed)
    decided = Decided(work=work, outcome=outcome, payment=judged if is_payment else None)
    return Result(read=1, outcomes=Counter({outcome: 1}), totals=_totals(decided, weighed), rows=decided)


def _of_answers(weighed: Weighed) -> str:
    if not weighed.matched and not weighed.unmatched:
        return APPLIED if weighed.marks else KEPT
    if not weighed.anything_new:
        return REPEATED
    return APPLIED if weighed.matched or weighed.marks else UNMATCHED


def _of_payment(region: Region, work: SetRead, judged: Judged, weighed: Weighed) -> str:
    """An earlier chain may have written it already."""
    if Payment.objects.filter(document=work.document, place=work.place).exists():
        return REPEATED
    twins = twins_of(region, judged)
    if any(is_same(twin, judged) for twin in posted_of(twins)):
        return REPEATED
    if faults := faults_beside(twins, judged):
        return REPEATED if any(twin.faults == faults and is_same(twin, judged) for twin in twins) else PARKED
    if weighed.matched or not weighed.unmatched:
        return APPLIED
    return REPEATED if any(_was_put_aside(twin, judged) for twin in twins) else UNMATCHED


def _was_put_aside(twin: Payment, judged: Judged) -> bool:
    """A person has said of the same payment that none of its claims is ours."""
    return (twin.state, twin.faults) == (Payment.State.SETTLED, []) and is_same(twin, judged)


def twins_of(region: Region, judged: Judged) -> list[Payment]:
    """What came before under its trace; one without a trace is like no other."""
    if not judged.trace:
        return []
    named = Payment.objects.filter(region=region, originator=judged.originator, trace=judged.trace)
    return list(named.exclude(state=Payment.State.REPEATED))


def posted_of(twins: list[Payment]) -> list[Payment]:
    """Those that stand: posted, or none of their claims is ours so far."""
    return [twin for twin in twins if twin.state in (Payment.State.POSTED, Payment.State.UNMATCHED)]


def is_same(twin: Payment, judged: Judged) -> bool:
    """Whether it says the same of the same claims."""
    return twin.digest == judged.digest


def faults_beside(twins: list[Payment], judged: Judged) -> list[str]:
    """Why it is not posted. A trace that is the number of a cheque or transfer is used once: what differs from the one
    that was posted waits for a person. One of notices without money is no such number, and each of them counts."""
    posted = posted_of(twins)
    if not posted or any(is_same(twin, judged) for twin in posted):
        return judged.faults
    only_notices = judged.is_notice and all(twin.notice for twin in posted)
    return judged.faults if only_notices else [*judged.faults, OTHER]


def _totals(decided: Decided, weighed: Weighed) -> dict[str, Total]:
    """Of what is written: claims that something is said of, answers without a claim, dollars."""
    if decided.outcome in (REPEATED, NOT_OURS):
        return {}
    end = decided.payment.end if decided.payment else None
    if decided.outcome == PARKED:
        return {"parked_paid": end.paid} if end else {}
    counts: dict[str, Total] = {"claims": weighed.matched, "unmatched_answers": weighed.unmatched - weighed.kept}
    name = "unmatched_paid" if decided.outcome == UNMATCHED else "paid"
    return counts | ({name: end.paid} if end else {})


def _of_file(reading: Reading, work: FileRead) -> Result:
    """A report, or a file that has nothing to be read in it."""
    kind = work.document.kind
    totals: dict[str, Total] = {}
    failures = []
    if kind in TEXTS:
        weighed = weigh(reading.region, from_text(reading, work.document, work.findings))
        outcome = _of_answers(weighed)
        totals = {"claims": weighed.matched, "unmatched_answers": weighed.unmatched - weighed.kept}
    elif kind in ONLY_KEPT or work.findings.counts["other-set"]:
        outcome = KEPT
    else:
        outcome = UNREADABLE
        if kind == Kind.UNKNOWN:
            work.findings.once("file", "binary")
        failures = [Fault(category="file", reason="unreadable", reference=f"document {work.document.pk}")]
    decided = Decided(work=work, outcome=outcome)
    return Result(read=1, outcomes=Counter({outcome: 1}), totals=totals, rows=decided, failures=failures)
