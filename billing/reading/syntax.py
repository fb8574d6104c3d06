"""TA1 and 999: whether the clearinghouse could take a file, and each set in it, apart. Source: edi.md 6.2."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from billing.models import Batch, BatchSet
from billing.reading.batches import REJECTIONS, batch_numbered, claims_in
from billing.reading.said import Mark, Statement, kept, key_of
from billing.reading.scope import Reading
from claims.edi import code_texts
from claims.edi.envelope import Transaction
from claims.edi.read_999 import GroupAnswer, SetAnswer, SyntaxError999
from claims.edi.read_ta1 import InterchangeAnswer
from claims.edi.status import of_file
from claims.edi.values import same_number

ERRORS_SHOWN = 20
USED_BEFORE = "025"
CLAIMS = "HC"  # AK101, GS01 of what we send; an eligibility request (HS) has numbers of its own


def from_ta1(reading: Reading, transaction: Transaction, said: Iterable[Any]) -> Iterator[Statement | Mark]:
    for answer in said:
        if not isinstance(answer, InterchangeAnswer):
            continue
        batch = batch_numbered(reading, answer.interchange, transaction)
        segment = answer.segment - transaction.segment + 1
        if batch is None:
            yield _of_nothing("TA1", answer.interchange, answer.code, answer.says, segment)
            continue
        yield Mark(batch=batch.pk)
        # Ours are given once: what is refused as used before is a second copy, and of the first nothing is known.
        state = None if answer.note.zfill(3) == USED_BEFORE else of_file(answer.code)
        for claim, _, _ in claims_in(batch.sets.all()):
            yield Statement(
                kind="TA1", claim=claim, key=f"TA1 {batch.pk} {kept(answer.code, 3)} {answer.note}", state=state or "",
                segment=segment, code=f"{answer.code} {answer.note}".strip(), says=answer.says, day=transaction.day,
            )  # fmt: skip


def from_999(reading: Reading, transaction: Transaction, said: Iterable[Any]) -> Iterator[Statement | Mark]:
    for group in said:
        if not isinstance(group, GroupAnswer):
            continue
        ours = group.kind in ("", CLAIMS)
        batch = batch_numbered(reading, group.group, transaction) if ours else None
        if batch is None:
            segment = group.segment - transaction.segment + 1
            yield _of_nothing(transaction.kind, group.group, group.code, "", segment)
        else:
            yield from _of_sets(batch, group, transaction)


def _of_nothing(kind: str, reference: str, code: str, says: str, segment: int) -> Statement:
    return Statement(
        kind=kind, reference=reference, key=key_of(kind, reference, code, says), of_claim=False, segment=segment,
        code=code, says=says,
    )  # fmt: skip


def _of_sets(batch: Batch, group: GroupAnswer, transaction: Transaction) -> Iterator[Statement | Mark]:
    sets = list(batch.sets.all())
    told = [(one, _of_set(group, one.number)) for one in sets if group.accepts(one.number) is not None]
    yield Mark(batch=batch.pk, acknowledged=True, codes=[(one.pk, _code(group, answer)) for one, answer in told])
    for one, answer in told:
        yield from _of_claims(one, group, answer, transaction)
    for answer in group.sets:
        if not any(same_number(answer.number, one.number) for one in sets):
            segment = answer.segment - transaction.segment + 1
            reference = f"{group.group} {answer.number}"
            yield _of_nothing(transaction.kind, reference, answer.code, _says(answer.reasons), segment)


def _of_set(group: GroupAnswer, number: str) -> SetAnswer | None:
    return next((answer for answer in group.sets if same_number(answer.number, number)), None)


def _code(group: GroupAnswer, answer: SetAnswer | None) -> str:
    """The set's own; the group's where it rejects everything, or where the set has none."""
    if answer and answer.code and group.code not in REJECTIONS:
        return answer.code[:1]
    return group.code[:1]


def _of_claims(
    one: BatchSet, group: GroupAnswer, answer: SetAnswer | None, transaction: Transaction
) -> Iterator[Statement]:
    """An error that names a claim is told to that claim, and others to all."""
    code = _code(group, answer)
    state = of_file(code)
    errors = answer.errors[:ERRORS_SHOWN] if answer else []
    reasons = [kept(reason, 3) for reason in (answer or group).reasons]
    segment = (answer or group).segment - transaction.segment + 1
    for claim, control, _ in claims_in([one]):
        own = [error for error in errors if error.account in ("", control)]
        yield Statement(
            kind=transaction.kind, claim=claim, key=f"999 {one.batch_id} {one.number} {code}", state=state or "",
            segment=segment, code=code, says=_says(reasons), day=transaction.day,
            detail={"reasons": reasons, "errors": [_error(error) for error in own]} if reasons or own else {},
        )  # fmt: skip


def _says(reasons: Sequence[str]) -> str:
    return " ".join(code_texts.SET_ERRORS.get(reason, f"Reason {reason}.") for reason in reasons)


def _error(error: SyntaxError999) -> dict[str, Any]:
    return {
        "segment": kept(error.name, 3),
        "position": error.position,
        "loop": kept(error.loop, 6),
        "code": kept(error.code, 3),
        "elements": [[kept(place, 12), kept(code, 3)] for place, code in error.elements],
    }
