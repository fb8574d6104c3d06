"""A payment into the books: once, whole, and only where it balances; otherwise it is parked with what is wrong."""

from collections.abc import Iterator

from django.db import IntegrityError, transaction

from billing.models import Payment
from billing.reading.judging import PARKED, REPEATED, Decided, faults_beside, twins_of
from billing.reading.payments import Judged, from_835
from billing.reading.said import Statement, kept, kept_amount
from billing.reading.scope import Reading
from billing.reading.walking import SetRead
from billing.reading.writing import write


def post(reading: Reading, decided: Decided, work: SetRead) -> None:
    """In the caller's transaction. Does nothing where an earlier run has written the same set."""
    judged = decided.payment
    if judged is None or Payment.objects.filter(document=work.document, place=work.place).exists():
        return
    if decided.outcome in (PARKED, REPEATED):
        state = Payment.State.PARKED if decided.outcome == PARKED else Payment.State.REPEATED
        _row(reading, judged, work, state).save()
        return
    row = _posted(reading, judged, work)
    if row.state != Payment.State.POSTED:
        return
    row.unmatched = write(_told(reading, judged, work), work.document, work.where)
    if row.unmatched and row.unmatched == row.claims:
        row.state = Payment.State.UNMATCHED
    row.save(update_fields=("unmatched", "state"))
    _close_parked(row)


def _told(reading: Reading, judged: Judged, work: SetRead) -> Iterator[Statement]:
    """What it says of each claim, from what was held of it, or read again."""
    held, fresh = judged.held_records(), Judged(apart=judged.digest if judged.is_notice else "")
    if held is not None:
        return from_835(reading, work.transaction, held, fresh, told=True)
    return from_835(reading, *work.again.set(work.transaction, work.place), fresh, told=True)


def _posted(reading: Reading, judged: Judged, work: SetRead) -> Payment:
    """The database lets one payment of a trace be posted, and each notice once; one that came in between makes this one
    a repetition or, if it says other things, parks it."""
    row = _row(reading, judged, work, Payment.State.POSTED)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        row = _row(reading, judged, work, Payment.State.REPEATED)
        row.state = Payment.State.PARKED if row.faults else Payment.State.REPEATED
        row.save()
    return row


def _row(reading: Reading, judged: Judged, work: SetRead, state: Payment.State) -> Payment:
    head, end = judged.head, judged.end
    return Payment(
        region=reading.region,
        document=work.document,
        place=work.place,
        set_number=work.where.set_number,
        originator=judged.originator,
        trace=judged.trace,
        payer=kept(head.payer, 80),
        payee_id=kept(head.payee_id, 80),
        method=kept(head.method, 3),
        paid_on=head.paid_on,
        total=kept_amount(head.total),
        claims=judged.claims,
        digest=judged.digest,
        notice=judged.is_notice,
        paid=kept_amount(end.paid) if end else 0,
        adjusted=kept_amount(end.adjusted) if end else 0,
        adjustments=judged.adjustments,
        state=state,
        difference=kept_amount(end.difference) if end else 0,
        faults=faults_beside(twins_of(reading.region, judged), judged),
        unbalanced_claims=end.unbalanced if end else len(judged.unbalanced),
        unbalanced=judged.unbalanced,
    )


def _close_parked(row: Payment) -> None:
    """What was parked of the same payment has been made good. Which of several notices it was, a person says."""
    if row.trace and not row.notice:
        parked = Payment.objects.filter(
            region=row.region, originator=row.originator, trace=row.trace, payer=row.payer, state=Payment.State.PARKED
        )
        parked.update(state=Payment.State.SETTLED, note=f"Came whole in document {row.document_id}.")
