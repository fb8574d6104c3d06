"""The write phase: every change is committed as an intent before it is sent, and each answer is an outcome."""

from collections.abc import Mapping, Sequence

from backoffice.adapters.fhir import Change, Patient, Read, Written, change_phone
from backoffice.runs.job import Result
from regions.sync import verdict
from regions.sync.intents import intent_of
from regions.sync.models import PhoneUpdate, UpdateState
from regions.sync.prepare import decide
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
        ids = [draft.patient.id for draft, _ in open_ones] + [turn.patient_id for turn in work.waiting]
        reads = sync.fhir.read(ids, region=sync.region.name) if ids else {}
    turns = [
        Turn(draft.entry, draft.patient.id, draft.tries + 1)
        for draft, answer in open_ones
        if _to_be_tried_again(sync, work, draft, answer, reads[draft.patient.id])
    ]
    return result_of(sync, work, _in_turn(sync, work, [*turns, *work.waiting], reads), result.totals)


def _in_turn(sync: Sync, work: Work, turns: Sequence[Turn], reads: Mapping[str, Read]) -> list[Draft]:
    """One change for each patient; whoever comes after it waits, since it changes what is to be decided."""
    drafts: dict[str, Draft] = {}
    work.waiting = []
    for turn in turns:
        if turn.patient_id in drafts:
            work.waiting.append(turn)
        elif draft := _decide_again(sync, work, turn, reads[turn.patient_id]):
            drafts[turn.patient_id] = draft
    return list(drafts.values())


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
    if answer.outcome == "unknown" and read.patient is not None and _is_ours(sync, draft, read.patient):
        _written(work, draft, read.patient.version)
        return False
    _close(work, draft, UpdateState.NOT_WRITTEN)
    if draft.tries > RETRIES:
        outcome = verdict.CONFLICT if answer.outcome == "conflict" else verdict.SERVER_FAILED
        draft.entry.failures.append((outcome, answer.code))
        return False
    return True


def _is_ours(sync: Sync, draft: Draft, patient: Patient) -> bool:
    """Whether the change was made: another version than the one it was made from, with the number."""
    has_it = change_phone(patient.resource, draft.entry.phone.e164, sync.today()) is None
    return has_it and patient.version != draft.patient.version


def _decide_again(sync: Sync, work: Work, turn: Turn, read: Read) -> Draft | None:
    """The change of the patient as it is now, if it is one that the row's identifier still stands for."""
    entry = turn.entry
    if read.patient is None:
        entry.failures.append((verdict.REFUSED if read.code == "gone" else verdict.SERVER_FAILED, read.code))
        return None
    if not sync.fhir.is_meant(read.patient, entry.row.identifier, region=sync.region.name):
        entry.failures.append((verdict.CONFLICT, "no longer this patient"))
        return None
    return decide(sync, work, entry, read.patient, turn.tries)


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
