"""The batch that an answer names, and the claims in it."""

from collections.abc import Iterable, Iterator

from django.db.models import Q
from django.db.models.functions import Coalesce

from billing.events import record
from billing.models import Batch, BatchSet, Claim, Document
from billing.reading.said import Mark
from billing.reading.scope import Reading
from billing.submitting.uploading import uploaded_events
from claims.edi.envelope import Transaction

AT_ONCE = 500
NOT_CONFIRMED = (Batch.State.BATCHED, Batch.State.UPLOADING, Batch.State.UNCONFIRMED)
REJECTIONS = ("R", "M", "W", "X")


def batch_numbered(reading: Reading, number: str, answer: Transaction) -> Batch | None:
    """The batch of ours with this ISA13 or GS06 that the answer is meant for."""
    if not (number.isascii() and number.isdecimal() and len(number) <= 9):
        return None
    return meant(reading, Batch.objects.filter(region=reading.region, control=int(number)), answer)


def meant(reading: Reading, batches: Iterable[Batch], answer: Transaction) -> Batch | None:
    """Of the batches that bear what the answer names, the one that went where it comes from; else the only one, if
    the answer is addressed to us. Other submitters of the mailbox count as we do: theirs is none of ours."""
    found = [one for one in batches if _may_be_to(reading, one, answer)]
    exact = [
        one for one in found if (one.sender, one.receiver, one.usage) == (answer.receiver, answer.sender, answer.usage)
    ]
    of_usage = [one for one in found if one.usage == answer.usage]
    for some in (exact, of_usage, found):
        if len(some) == 1:
            return some[0]
    return None


def _may_be_to(reading: Reading, batch: Batch, answer: Transaction) -> bool:
    """Whether it names who sent the batch (ISA08, GS03), and nobody else that we send as. Some name nobody, or who
    answers."""
    named = {answer.receiver, answer.group_receiver} - {"", batch.receiver}
    ours = {batch.sender} | reading.addresses
    return not named or (not named.isdisjoint(ours) and named.isdisjoint(reading.others - ours))


def claims_in(sets: Iterable[BatchSet]) -> Iterator[tuple[int, str, str]]:
    """Id, CLM01 and provider of each claim, in pages."""
    ids = [one.pk for one in sets]
    after = 0
    rows = Claim.objects.filter(batch_set__in=ids).order_by("pk").values_list("pk", "control", "provider")
    while page := list(rows.filter(pk__gt=after)[:AT_ONCE]):
        yield from page
        after = page[-1][0]


def apply_mark(mark: Mark, document: Document) -> None:
    """An answer proves that the batch arrived, and with it every claim in it: those that it does not name are uploaded
    too, and on the clock. The first of a kind sets its time; a rejected set stays rejected."""
    batch = Batch.objects.filter(pk=mark.batch)
    arrived = {"state": Batch.State.UPLOADED, "detail": "", "uploaded_at": Coalesce("uploaded_at", document.created_at)}
    if batch.filter(state__in=NOT_CONFIRMED).update(**arrived):
        record(uploaded_events(batch.get()))
    if mark.acknowledged:
        batch.filter(acknowledged_at=None).update(acknowledged_at=document.created_at)
    if mark.answered:
        batch.filter(answered_at=None).update(answered_at=document.created_at)
    for pk, code in mark.codes:
        stands = Q(acknowledged__in=REJECTIONS) if code not in REJECTIONS else Q(pk__in=[])
        BatchSet.objects.filter(pk=pk).exclude(stands).update(acknowledged=code)
    for pk, told in mark.totals:
        BatchSet.objects.filter(pk=pk).update(told={**told, "document": document.pk}, differs=told["differs"])
