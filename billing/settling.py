"""What a person decides of a payment that was parked or is not ours, and of a file that cannot be read whole."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from backoffice.audit import record_change
from backoffice.runs.faults import Misuse
from billing.models import Answer, Document, Payment
from claims.edi.classify import Kind

if TYPE_CHECKING:
    from django.contrib.auth.models import User


WAITING = (Payment.State.PARKED, Payment.State.UNMATCHED)
ZIPS_IN_PART = Q(state=Document.State.PARTLY, kind=Kind.ZIP)


def waits(document: Document) -> bool:
    """Whether an answer may be in it that nobody has read."""
    in_part = document.state == Document.State.PARTLY and document.kind == Kind.ZIP
    return in_part or document.state == Document.State.UNREADABLE


def settle_payment(payment: Payment, user: "User", note: str) -> None:
    """It was dealt with outside of this program, as the note says: no claim is moved, and it waits for nobody.

    Misuse without a note, and for a payment that is neither parked nor without a claim of ours. Where a whole file with
    the trace of a parked one comes later and balances, that one is posted; the answers of the other kind are put aside.
    """
    if not note.strip():
        raise Misuse("Say what was done about the payment: the note is kept with it.")
    with transaction.atomic():
        before = payment.state
        if before == Payment.State.UNMATCHED:
            _put_aside(payment, user, note)
        waiting = Payment.objects.filter(pk=payment.pk, state=before)
        values = {"state": Payment.State.SETTLED, "settled_by": user, "note": note.strip()[:200], "unmatched": 0}
        if before not in WAITING or not waiting.update(**values):
            payment.refresh_from_db()
            raise Misuse(f"The payment is {payment.get_state_display()}: there is nothing to settle.")
        record_change(payment, {"state": (before, Payment.State.SETTLED)})
    payment.refresh_from_db()


def _put_aside(payment: Payment, user: "User", note: str) -> None:
    """All its answers: whoever finds their claims later finds none of them open. Before the payment, as billing.linking
    locks them."""
    answers = Answer.objects.filter(document=payment.document_id, detail__place=payment.place, resolved_at=None)
    answers.update(resolved_at=timezone.now(), resolved_by=user, note=note.strip()[:200])


def settle_document(document: Document, user: "User", note: str) -> None:
    """It was dealt with outside of this program, such as sent anew by whoever made it: it waits for nobody.

    Misuse without a note, and for a file that can be read; of a ZIP, all that is in it.
    """
    if not note.strip():
        raise Misuse("Say what was done about the file: the note is kept with it.")
    with transaction.atomic():
        before = document.state
        waiting = Document.objects.filter(pk=document.pk, state=before)
        if not waits(document) or not waiting.update(
            state=Document.State.SETTLED, settled_by=user, note=note.strip()[:200]
        ):
            document.refresh_from_db()
            raise Misuse(f"The file is {document.get_state_display()}: there is nothing to settle.")
        record_change(document, {"state": (before, Document.State.SETTLED)})
    document.refresh_from_db()
