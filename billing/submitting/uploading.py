"""Batches to the clearinghouse: marked as on their way, committed, before the first byte; what came of it after.

A file is not sent again by itself once the server may have it [X-18]: it is unconfirmed until a 999 comes or a person
decides (billing/submitting/deciding.py). What certainly did not arrive waits for the next run, with the same bytes.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from backoffice.adapters.sftp import NotSent, Sent, SftpRefused
from backoffice.runs.faults import ConfigError, TransientError
from backoffice.runs.job import Chunk, Fault, Json, Result
from billing.events import record
from billing.mailbox import faults_end_the_run
from billing.models import Batch, Claim, ClaimEvent
from billing.submitting.scope import Submission
from claims.edi.status import State

OUTCOMES = (UPLOADED, UNCONFIRMED, NOT_SENT) = ("uploaded", "unconfirmed", "not_sent")
DIED = "A worker died while it sent this file: see at the clearinghouse whether it is there."
LOST = "The connection broke after the last byte: a 999 will tell, or see at the clearinghouse."
WHY = {
    "connection": "The connection broke, three times. The next submission sends the same file.",
    "refused": "The clearinghouse refused the file: its disk may be full. The next submission sends the same file.",
    "size_differs": "Not all of it arrived: the clearinghouse's disk may be full. The next submission sends it again.",
    "name_taken": "Another file of this name is there. It was left alone: ask the clearinghouse.",
}


@dataclass(kw_only=True, slots=True)
class Uploaded:
    """`outcome` is "" until it was tried. `begun`: whether its file was begun, in an earlier attempt or in this one."""

    batch: Batch
    begun: bool
    outcome: str = ""
    detail: str = ""


def chunks(submission: Submission, checkpoint: Json | None) -> Iterator[Chunk]:
    """Each batch that waits, the oldest first."""
    after = int((checkpoint or {}).get("batch", 0))
    waiting = Batch.objects.filter(region=submission.region, state=Batch.State.BATCHED)
    while batch := waiting.filter(pk__gt=after).order_by("pk").select_related("document").first():
        after = batch.pk
        yield Chunk(data=batch, checkpoint={"batch": after}, label=batch.document.name)


def prepare(submission: Submission, chunk: Chunk) -> Result:
    """Connected before anything is marked."""
    submission.mailbox  # noqa: B018
    begun = chunk.data.begun_at is not None
    return Result(rows=[Uploaded(batch=chunk.data, begun=begun)], intents=[chunk.data])


def intend(submission: Submission, result: Result) -> None:
    """From here on what lies at the clearinghouse under its name may be ours."""
    batch: Batch = result.rows[0].batch
    begun = batch.begun_at or timezone.now()
    if not _move(batch, Batch.State.BATCHED, Batch.State.UPLOADING, begun_at=begun):
        raise TransientError(f"Batch {batch.control:09d} was taken away while it was to be sent. Restart the run.")


def act(submission: Submission, result: Result) -> Result:
    found: Uploaded = result.rows[0]
    document = found.batch.document
    content = b"".join(part.content.encode("latin-1") for part in document.parts.order_by("number"))
    try:
        sent = submission.mailbox.put(document.name, content, begun=found.begun)
    except NotSent as fault:
        found.outcome, found.detail, found.begun = NOT_SENT, WHY[fault.code], fault.begun
        failed = Fault(
            category="transient", reason=fault.code, phase="act", reference=document.name, detail=found.detail,
            money=found.batch.charge,
        )  # fmt: skip
        return _result(found, [failed])
    except SftpRefused as refused:
        # Nothing was written, and nothing can be until somebody changes something.
        _move(found.batch, Batch.State.UPLOADING, Batch.State.BATCHED, begun_at=found.batch.begun_at)
        raise ConfigError(str(refused)) from None
    found.outcome = UPLOADED if sent is Sent.SENT else UNCONFIRMED
    found.detail = "" if sent is Sent.SENT else LOST
    return _result(found, [])


def _result(found: Uploaded, failures: list[Fault]) -> Result:
    batch = found.batch
    return Result(
        rows=[found],
        read=batch.claims,
        outcomes=Counter({found.outcome: batch.claims}),
        totals={f"{found.outcome}_value": batch.charge},
        failures=failures,
    )


def commit(submission: Submission, result: Result) -> None:
    for found in result.rows:
        closed(found.batch, found.outcome, found.detail)
        if not found.begun:
            Batch.objects.filter(pk=found.batch.pk, state=Batch.State.BATCHED).update(begun_at=None)


def closed(batch: Batch, outcome: str, detail: str) -> None:
    """In the caller's transaction: the batch, and of its claims that they are uploaded if that is certain."""
    state = {UPLOADED: Batch.State.UPLOADED, UNCONFIRMED: Batch.State.UNCONFIRMED, NOT_SENT: Batch.State.BATCHED}
    at = None if outcome == NOT_SENT else timezone.now()
    left = Batch.objects.filter(pk=batch.pk).exclude(state=Batch.State.UPLOADED)
    left.update(state=state[outcome], detail=detail, uploaded_at=at)
    if outcome == UPLOADED:
        record(uploaded_events(batch))


def uploaded_events(batch: Batch) -> Iterator[ClaimEvent]:
    for pk in claims_of(batch).values_list("pk", flat=True).iterator():
        yield ClaimEvent(
            claim_id=pk, key=f"uploaded {batch.pk}", state=State.UPLOADED, document_id=batch.document_id,
            says=f"Batch {batch.control:09d}",
        )  # fmt: skip


def claims_of(batch: Batch) -> QuerySet[Claim]:
    return Claim.objects.filter(batch_set__batch=batch).order_by("pk")


def settle(submission: Submission) -> Result:
    """What an earlier attempt left on its way. Of a region one submission runs at a time, so that nobody is at it."""
    left = list(Batch.objects.filter(region=submission.region, state=Batch.State.UPLOADING).select_related("document"))
    outcomes: Counter[str] = Counter()
    found = []
    for batch in left:
        with faults_end_the_run():
            there = submission.mailbox.size_of(batch.document.name)
        outcome = UPLOADED if there == batch.document.size else UNCONFIRMED
        detail = "" if outcome == UPLOADED else DIED
        found.append(Uploaded(batch=batch, begun=True, outcome=outcome, detail=detail))
        outcomes[outcome] += batch.claims
    return Result(rows=found, read=outcomes.total(), outcomes=outcomes)


def _move(batch: Batch, before: str, after: str, *, begun_at: datetime | None) -> bool:
    return bool(Batch.objects.filter(pk=batch.pk, state=before).update(state=after, begun_at=begun_at))
