"""Answers that found no claim: applied when the claim is there, by itself or as a person says, or put aside."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from backoffice.audit import record_change
from backoffice.runs.faults import Misuse
from billing.events import record
from billing.models import Answer, Claim, ClaimEvent, Payment

if TYPE_CHECKING:
    from django.contrib.auth.models import User

BY_ITSELF = "The claim was found later."


def link(answer: Answer, claim: Claim, user: "User", note: str) -> None:
    """The answer is this claim's, and moves it as it would have. Misuse for what is done, or of another region."""
    if answer.region_id != claim.region_id:
        raise Misuse("The answer and the claim are of different regions.")
    if not answer.detail.get("of_claim"):
        raise Misuse("This answer is about a whole file or provider: no claim can take it. Put it aside with a note.")
    with transaction.atomic():
        _resolve(answer, claim, user, note)
        record([_event(answer, claim.pk, user)])
        _count_down(answer)
        _post(answer)


def dismiss(answer: Answer, user: "User", note: str) -> None:
    """It is put aside and moves nothing; the note says why."""
    with transaction.atomic():
        _resolve(answer, None, user, note)
        _count_down(answer)


def _resolve(answer: Answer, claim: Claim | None, user: "User", note: str) -> None:
    if not note.strip():
        raise Misuse("Say why: the note is kept with the answer.")
    values = {"claim": claim, "resolved_at": timezone.now(), "resolved_by": user, "note": note.strip()[:200]}
    if not Answer.objects.filter(pk=answer.pk, resolved_at=None).update(**values):
        raise Misuse("Somebody has dealt with this answer already.")
    record_change(answer, {"resolved": ("no", f"claim {claim.pk}" if claim else "put aside")})
    answer.refresh_from_db()


def found_later(found: Sequence[tuple[Answer, int]]) -> None:
    """In the caller's transaction; each answer with the claim that has its number. Those done meanwhile stay so."""
    open_ones = set(
        Answer.objects.select_for_update()
        .filter(pk__in=[answer.pk for answer, _ in found], resolved_at=None)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    mine = [(answer, claim) for answer, claim in found if answer.pk in open_ones]
    record(_event(answer, claim, None) for answer, claim in mine)
    now = timezone.now()
    for answer, claim in mine:
        answer.claim_id, answer.resolved_at, answer.note = claim, now, BY_ITSELF
        _count_down(answer)
        _post(answer)
    Answer.objects.bulk_update([answer for answer, _ in mine], ("claim", "resolved_at", "note"))


def _event(answer: Answer, claim: int, user: "User | None") -> ClaimEvent:
    said = answer.detail
    return ClaimEvent(
        claim_id=claim,
        key=said["key"],
        state=said["state"],
        document_id=answer.document_id,
        set_number=answer.set_number,
        place=said["place"],
        segment=said["segment"],
        code=answer.code,
        says=said["says"],
        detail=said["detail"],
        day=said["day"],
        payment=said["payment"],
        paid=Decimal(said["paid"]),
        share=Decimal(said["share"]),
        made_by=user,
        at=answer.created_at,
    )


def _count_down(answer: Answer) -> None:
    """Of its payment, one less that waits."""
    row = Payment.objects.filter(document=answer.document_id, place=answer.detail["place"], unmatched__gt=0)
    row.update(unmatched=F("unmatched") - 1)


def _post(answer: Answer) -> None:
    """A payment of which one claim is ours is ours: it counts from now on."""
    row = Payment.objects.filter(document=answer.document_id, place=answer.detail["place"])
    row.filter(state=Payment.State.UNMATCHED).update(state=Payment.State.POSTED)
