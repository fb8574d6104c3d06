"""What is to be done to one patient, from the patient as it is now."""

from collections.abc import Mapping, Sequence

from backoffice.adapters.fhir import Patient, Read, change_phone
from regions.sync import verdict
from regions.sync.intents import telecom_after, telecom_before
from regions.sync.models import PhoneUpdate
from regions.sync.scope import Sync
from regions.sync.work import Draft, Entry, Turn, Work


def decide(sync: Sync, work: Work, entry: Entry, patient: Patient, tries: int = 1) -> Draft | None:
    """The patient's change; None where it has the number already, which is ours if an earlier attempt wrote it."""
    resource = change_phone(patient.resource, entry.phone.e164, sync.today())
    if resource is not None:
        return Draft(entry=entry, patient=patient, resource=resource, tries=tries)
    _count_if_ours(sync, work, entry, (patient.id, entry.phone.e164))
    return None


def in_turn(sync: Sync, work: Work, turns: Sequence[Turn], reads: Mapping[str, Read]) -> list[Draft]:
    """One change for each patient; whoever comes after it waits, since it changes what is to be decided."""
    drafts: dict[str, Draft] = {}
    work.waiting = []
    for turn in turns:
        if turn.patient_id in drafts:
            work.waiting.append(turn)
        elif draft := _decide_now(sync, work, turn, reads[turn.patient_id]):
            drafts[turn.patient_id] = draft
    return list(drafts.values())


def is_ours(sync: Sync, draft: Draft, patient: Patient) -> bool:
    """Whether the change was made: another version than the one it was made from, with what it was to have."""
    if patient.version == draft.patient.version:
        return False
    if draft.entry.undoes is not None:
        return _telecom(patient) == list(draft.resource.get("telecom", []))
    return change_phone(patient.resource, draft.entry.phone.e164, sync.today()) is None


def _decide_now(sync: Sync, work: Work, turn: Turn, read: Read) -> Draft | None:
    """The change of the patient as it is now, if it is one that the row's identifier still stands for."""
    entry = turn.entry
    if read.patient is None:
        entry.failures.append((verdict.REFUSED if read.code == "gone" else verdict.SERVER_FAILED, read.code))
        return None
    if entry.undoes is not None:
        return _put_back(sync, work, turn, entry.undoes, read.patient)
    if not sync.fhir.is_meant(read.patient, entry.row.identifier, region=sync.region.name):
        entry.failures.append((verdict.CONFLICT, "no longer this patient"))
        return None
    return decide(sync, work, entry, read.patient, turn.tries)


def _put_back(sync: Sync, work: Work, turn: Turn, update: PhoneUpdate, patient: Patient) -> Draft | None:
    """The telecom of before, where it is still what the sync made it; what somebody has changed since is theirs."""
    before, now = telecom_before(update), _telecom(patient)
    if now == before:
        _count_if_ours(sync, work, turn.entry, (patient.id, f"undo {update.pk}"))
        return None
    if now != telecom_after(update):
        turn.entry.failures.append((verdict.CONFLICT, "changed since the sync"))
        return None
    rest = {name: value for name, value in patient.resource.items() if name != "telecom"}
    resource = {**patient.resource, "telecom": before} if before else rest
    return Draft(entry=turn.entry, patient=patient, resource=resource, tries=turn.tries)


def _count_if_ours(sync: Sync, work: Work, entry: Entry, key: tuple[str, str]) -> None:
    if written := sync.settled.pop(key, None):
        written.counted = True
        work.updates.append(written)
        entry.updated += 1


def _telecom(patient: Patient) -> list[object]:
    return list(patient.resource.get("telecom", []))
