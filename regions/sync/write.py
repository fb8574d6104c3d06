"""The write phase: every change is committed as an intent before it is sent, and each answer is an outcome."""

from collections.abc import Sequence
from dataclasses import replace

from backoffice.adapters.fhir import Change, Read, Written
from backoffice.runs.job import Result
from regions.sync import verdict
from regions.sync.decide import in_turn, is_ours
from regions.sync.intents import intent_of
from regions.sync.models import PhoneUpdate, UpdateState
from regions.sync.scope import Sync, refusals_end_the_run
from regions.sync.work import Draft, Turn, Work, result_of

RETRIES = 3  # after a conflict


def intend(sync: Sync, result: Result) -> None:
    """Write-ahead rows of everything that is about to be sent."""
    rows = [intent_of(sync, draft, UpdateState.INTENDED) for draft in result.intents]
    PhoneUpdate.objects.bulk_create(rows)
    for draft, row in zip(result.intents, rows, strict=True):
        draft.intent = row


def act(sync: Sync, result: Result) -> Result:
    """Send the intents. Conflicts, and rows that waited for their patient, become the next intents."""
    work: Work = result.rows
    sent: Sequence[Draft] = result.intents
    changes = [Change(patient=draft.patient, resource=draft.resource) for draft in sent]
    with refusals_end_the_run():
        answers = sync.fhir.put(changes, region=sync.region.name)
        open_ones = [
            (draft, answer) for draft, answer in zip(sent, answers, strict=True) if not _closed(work, draft, answer)
        ]
        known = _known(sent, answers)
        ids = [draft.patient.id for draft, _ in open_ones]
        ids += [turn.patient_id for turn in work.waiting if turn.patient_id not in known]
        reads = known | (sync.fhir.read(ids, region=sync.region.name) if ids else {})
    turns = [
        Turn(draft.entry, draft.patient.id, draft.tries + 1)
        for draft, answer in open_ones
        if _to_be_tried_again(sync, work, draft, answer, reads[draft.patient.id])
    ]
    return result_of(sync, work, in_turn(sync, work, [*turns, *work.waiting], reads), result.totals)


def _known(sent: Sequence[Draft], answers: Sequence[Written]) -> dict[str, Read]:
    """Patients as our own writes have left them: who waits for one needs no reading, since the version is told."""
    known = {}
    for draft, answer in zip(sent, answers, strict=True):
        if answer.outcome == "written" and answer.version:
            meta = {**draft.resource.get("meta", {}), "versionId": answer.version}
            now = replace(draft.patient, version=answer.version, resource={**draft.resource, "meta": meta})
            known[draft.patient.id] = Read(patient=now)
    return known


def _closed(work: Work, draft: Draft, answer: Written) -> bool:
    """Whether the answer is final; if so, it is taken down."""
    if answer.outcome == "written":
        _written(work, draft, answer.version)
    elif answer.outcome in ("refused", "failed"):
        outcome = verdict.REFUSED if answer.outcome == "refused" else verdict.SERVER_FAILED
        _close(work, draft, UpdateState.NOT_WRITTEN)
        draft.entry.failures.append((outcome, answer.code))
    else:
        return False
    return True


def _to_be_tried_again(sync: Sync, work: Work, draft: Draft, answer: Written, read: Read) -> bool:
    """After a conflict, or silence: what the patient is now says whether it was written."""
    if answer.outcome == "unknown" and read.patient is None:
        _close(work, draft, UpdateState.UNKNOWN)
        draft.entry.failures.append((verdict.UNKNOWN, answer.code))
        return False
    if answer.outcome == "unknown" and read.patient is not None and is_ours(sync, draft, read.patient):
        _written(work, draft, read.patient.version)
        return False
    _close(work, draft, UpdateState.NOT_WRITTEN)
    if draft.tries > RETRIES:
        outcome = verdict.CONFLICT if answer.outcome == "conflict" else verdict.SERVER_FAILED
        draft.entry.failures.append((outcome, answer.code))
        return False
    return True


def _written(work: Work, draft: Draft, version: str) -> None:
    draft.entry.updated += 1
    intent = _close(work, draft, UpdateState.WRITTEN)
    intent.version_after, intent.counted = version, True


def _close(work: Work, draft: Draft, state: UpdateState) -> PhoneUpdate:
    if draft.intent is None:
        raise RuntimeError("a change was sent before it was written down")
    draft.intent.state = state
    work.updates.append(draft.intent)
    return draft.intent
