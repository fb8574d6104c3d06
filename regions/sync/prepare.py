"""The first phase of a chunk: numbers are cleaned, patients looked up; no transaction open, nothing written."""

from dataclasses import replace

import structlog

from backoffice.adapters.fhir import Found
from backoffice.adapters.sheets import Row
from backoffice.runs.job import Chunk, Result
from regions.phones import Phone, clean
from regions.sync import verdict
from regions.sync.decide import decide, in_turn
from regions.sync.intents import intent_of
from regions.sync.models import UpdateState
from regions.sync.own_fault import kept_by
from regions.sync.scope import Sync, refusals_end_the_run
from regions.sync.work import Draft, Entry, Turn, Work, result_of

log = structlog.get_logger(__name__)


def prepare(sync: Sync, chunk: Chunk) -> Result:
    """Every row gets its outcome, or its patients become intents; in a preview, the outcome that it would have."""
    if sync.undo:
        return _undo(sync, chunk)
    work = Work(entries=[_entry(sync, row) for row in chunk.data])
    open_ones = [entry for entry in work.entries if not (entry.outcome or entry.failures)]
    with refusals_end_the_run():
        values = list(dict.fromkeys(entry.row.identifier for entry in open_ones))
        found = sync.fhir.find(values, region=sync.region.name) if values else {}
    drafts: dict[str, Draft] = {}
    for entry in open_ones:
        with kept_by(entry):
            _take_up(sync, work, entry, found[entry.row.identifier], drafts)
    return result_of(sync, work, [] if sync.preview else list(drafts.values()))


def _entry(sync: Sync, row: Row) -> Entry:
    entry = Entry(row=row, phone=Phone())
    with kept_by(entry):
        entry.phone = clean(row.phone, sync.region.country)
        _say(entry)
        if entry.phone.reason:
            entry.outcome, entry.reason = verdict.INVALID_PHONE, entry.phone.reason
        elif not row.identifier or row.digits_lost:
            entry.outcome = verdict.INVALID_IDENTIFIER
            entry.reason = "digits lost" if row.digits_lost else "empty"
    return entry


def _say(entry: Entry) -> None:
    """A number that cannot be read is a warning [S1-24, S1-36]; a zero that was missing is told [S1-27]."""
    reason, row = entry.phone.reason, entry.row.number
    if reason and reason != "empty":
        log.warning("Row %d: the phone number cannot be read (%s)", row, reason)
    elif "leading zero" in entry.phone.rules:
        log.info("Row %d: the phone number lacked its leading 0", row)


def _undo(sync: Sync, chunk: Chunk) -> Result:
    """Every change becomes one that puts the patient's telecom back."""
    work = Work(entries=list(chunk.data))
    turns = [Turn(entry, entry.undoes.patient_id) for entry in work.entries if entry.undoes]
    with refusals_end_the_run():
        ids = [turn.patient_id for turn in turns]
        reads = sync.fhir.read(ids, region=sync.region.name) if ids else {}
    return result_of(sync, work, in_turn(sync, work, turns, reads))


def _take_up(sync: Sync, work: Work, entry: Entry, found: Found, drafts: dict[str, Draft]) -> None:
    """Update every match of the configured system [S1-14, X-07]; what is no match has an outcome of its own."""
    entry.patients = len(found.patients)
    if found.outcome == "failed":
        entry.failures.append((verdict.SERVER_FAILED, found.fault))
    elif found.outcome == "foreign":
        entry.outcome, entry.reason = verdict.AMBIGUOUS, "foreign"
    elif found.outcome == "none":
        entry.outcome = verdict.NOT_FOUND
    elif found.outcome != "found":
        entry.outcome, entry.reason = verdict.INACTIVE, found.outcome
    for patient in found.patients:
        before = drafts.get(patient.id)
        if sync.preview:
            now = patient if before is None else replace(patient, resource=before.resource)
            if draft := decide(sync, work, entry, now):
                drafts[patient.id] = draft
                entry.updated += 1
                work.previews.append(intent_of(sync, draft, UpdateState.PREVIEWED))
        elif before is not None:
            work.waiting.append(Turn(entry, patient.id))
        elif draft := decide(sync, work, entry, patient):
            drafts[patient.id] = draft
