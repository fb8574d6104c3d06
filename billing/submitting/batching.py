"""Validated claims into files: numbers, bytes, record, batch and events in one transaction, before anything is sent.

A chunk is a file: the claims of one kind, at most MOST_CLAIMS, as far as the rules still let them pass. It is rendered
twice: before the transaction, so that a claim which cannot be written is found and put aside, and in it, with its
number. A claim is read, in the run's figures, where its outcome is known: here if it is not sent, else when it is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from django.utils import timezone

from backoffice.runs.faults import OutOfBalance, TransientError
from backoffice.runs.job import Chunk, Fault, Json, Result, Total
from billing.content import claim_of
from billing.events import record
from billing.making.standing import VOID
from billing.models import Batch, BatchSet, Claim, ClaimEvent, Document, DocumentPart
from billing.numbers import next_control
from billing.submitting.judging import Refused, keep_refused, refused_now
from billing.submitting.scope import Submission
from billing.submitting.tested import BASE_OF_TESTS
from claims.edi import claims as edi
from claims.edi.outbound import file_name
from claims.edi.segments import NotWritable
from claims.edi.status import State
from claims.edi.write837 import Part, parts
from claims.edi.written import faults

MOST_CLAIMS = 10_000
AT_ONCE = 500
OUTCOMES = (REFUSED, UNWRITABLE) = ("refused", "unwritable")
ANY_NUMBER = 1


@dataclass(kw_only=True, slots=True)
class Ready:
    """The claims of one file, by CLM01 in the order in which they are to stand, and those that are refused today or
    cannot be written."""

    kind: edi.Kind
    claims: dict[str, Claim]
    contents: list[edi.Claim] = field(repr=False)
    refused: list[Refused]
    unwritable: list[tuple[Claim, str]]


def chunks(submission: Submission, checkpoint: Json | None) -> Iterator[Chunk]:
    """Claims that are validated and in no batch, kind by kind, in the order in which they were made."""
    last: dict[str, int] = dict(checkpoint or {})
    for kind in edi.Kind:
        while ids := _waiting(submission, kind, last.get(kind, 0)):
            last = {**last, kind: ids[-1]}
            yield Chunk(data=(kind, ids), checkpoint=last, label=f"{kind} claims")


def _waiting(submission: Submission, kind: edi.Kind, after: int) -> list[int]:
    waiting = Claim.objects.filter(
        region=submission.region, state=State.VALIDATED, kind=kind, batch_set=None, withdrawn=False, refused=[]
    )
    if not submission.clearinghouse.test:
        waiting = waiting.exclude(BASE_OF_TESTS, frequency=VOID)  # no payer has what it takes back
    return list(waiting.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:MOST_CLAIMS])


def prepare(submission: Submission, chunk: Chunk) -> Result:
    kind, ids = chunk.data
    rows = Claim.objects.filter(pk__in=ids).order_by("pk").iterator(chunk_size=AT_ONCE)
    found = Ready(kind=kind, claims={}, contents=[], refused=[], unwritable=[])
    for row in rows:
        found.claims[row.control] = row
        found.contents.append(claim_of(row.content))
    _refuse(submission, found)
    if found.contents and _problem(submission, kind, found.contents):
        _put_aside(submission, found)
    outcomes = Counter({REFUSED: len(found.refused), UNWRITABLE: len(found.unwritable)})
    charge = sum((claim.charge for claim in found.claims.values()), Decimal(0))
    totals: dict[str, Total] = {"batched": len(found.claims), "batched_value": charge}
    if found.refused:
        totals["refused_value"] = sum((row.charge for row, _ in found.refused), Decimal(0))
    return Result(
        rows=found,
        read=outcomes.total(),
        outcomes=+outcomes,
        totals=totals,
        failures=[_fault(row, says) for row, says in found.unwritable],
    )


def _refuse(submission: Submission, found: Ready) -> None:
    """What the rules do not let pass today is not sent."""
    found.refused = refused_now(submission.region, found.claims, found.contents)
    for row, _ in found.refused:
        del found.claims[row.control]
    found.contents = [content for content in found.contents if content.control in found.claims]


def _fault(row: Claim, says: str) -> Fault:
    return Fault(category="writer", reason="not_writable", reference=f"claim {row.pk}", detail=says, money=row.charge)


def _problem(submission: Submission, kind: edi.Kind, claims: Sequence[edi.Claim]) -> str:
    """What keeps these from being written, "" if nothing does."""
    try:
        for part in parts(submission.envelope(kind, ANY_NUMBER), claims):
            if part.number and (found := faults(part)):
                return found[0]
    except NotWritable as error:
        return str(error)
    return ""


def _put_aside(submission: Submission, found: Ready) -> None:
    """The claims that cannot be written are found one by one; the envelope, if it is that, holds all of them."""
    good: list[edi.Claim] = []
    for claim in found.contents:
        if says := _problem(submission, found.kind, [claim]):
            found.unwritable.append((found.claims.pop(claim.control), says))
        else:
            good.append(claim)
    found.contents = good


def commit(submission: Submission, result: Result) -> None:
    ready: Ready = result.rows
    keep_refused(ready.refused)
    for row, says in ready.unwritable:
        Claim.objects.filter(pk=row.pk).update(refused=[["writer", says]], changed_at=timezone.now())
    if not ready.claims:
        return
    house = submission.clearinghouse
    control = next_control(house.receiver, submission.usage)
    _still_waiting(ready)
    envelope = submission.envelope(ready.kind, control)
    written = list(parts(envelope, ready.contents))
    document = _stored(submission, file_name(envelope), written)
    charge = sum((row.charge for row in ready.claims.values()), Decimal(0))
    batch = Batch.objects.create(
        region=submission.region,
        document=document,
        kind=ready.kind,
        sender=house.sender,
        receiver=house.receiver,
        usage=submission.usage,
        control=control,
        claims=len(ready.claims),
        charge=charge,
    )
    for part in written:
        if part.number:
            _set(batch, part, ready.claims, envelope.when)


def _still_waiting(ready: Ready) -> None:
    """Locked under the number's lock; TransientError where a person has taken one away meanwhile."""
    ids = [row.pk for row in ready.claims.values()]
    still = 0
    for start in range(0, len(ids), AT_ONCE):
        some = Claim.objects.select_for_update().filter(pk__in=ids[start : start + AT_ONCE]).order_by("pk")
        still += len(some.filter(state=State.VALIDATED, batch_set=None, withdrawn=False, refused=[]).values_list("pk"))
    if still != len(ids):
        raise TransientError(f"{len(ids) - still} claims were changed while they were batched. Restart the run.")


def _stored(submission: Submission, name: str, written: Sequence[Part]) -> Document:
    digest = sha256()
    for part in written:
        if part.number and (found := faults(part)):
            raise OutOfBalance(f"A file was not written as it should be: {found[0]}")
        digest.update(part.content)
    document = Document.objects.create(
        region=submission.region,
        direction=Document.Direction.SENT,
        kind="837P",
        name=name,
        folder=submission.clearinghouse.server.inbound,
        size=sum(len(part.content) for part in written),
        sha256=digest.hexdigest(),
        state=Document.State.READ,
        run=submission.part.run,
    )
    for number, part in enumerate(written):
        DocumentPart(document=document, number=number, content=part.content.decode("latin-1")).save()
    return document


def _set(batch: Batch, part: Part, claims: Mapping[str, Claim], when: datetime) -> None:
    """An ST and what is said of its claims: they are in it."""
    rows = [claims[control] for control in part.controls]
    made = BatchSet.objects.create(
        batch=batch,
        number=part.number,
        reference=part.reference,
        claims=len(rows),
        charge=sum((row.charge for row in rows), Decimal(0)),
    )
    ids = [row.pk for row in rows]
    for start in range(0, len(ids), AT_ONCE):
        Claim.objects.filter(pk__in=ids[start : start + AT_ONCE]).update(batch_set=made)
    record(
        ClaimEvent(
            claim=row, key=f"batched {batch.pk}", state=State.BATCHED, document_id=batch.document_id,
            set_number=part.number, says=f"Batch {batch.control:09d}", at=when,
        )
        for row in rows
    )  # fmt: skip
