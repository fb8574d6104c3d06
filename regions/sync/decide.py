"""What is to be done to one patient, from the patient as it is now."""

from collections.abc import Mapping, Sequence

from backoffice.adapters.fhir import Patient, Read
from regions.sync import verdict
from regions.sync.intents import telecom_after, telecom_before
from regions.sync.models import PhoneUpdate
from regions.sync.own_fault import kept_by
from regions.sync.scope import Sync
from regions.sync.work import Draft, Entry, Turn, Work


def decide(sync: Sync, work: Work, entry: Entry, patient: Patient, tries: int = 1) -> Draft | None:
    """The patient's change; None where it has the number already, which is ours if an earlier attempt wrote it.

    It has had it, too, where that attempt went on to the number of a later row: each is written once.
    """
    key = (patient.id, entry.phone.e164)
    resource = sync.with_phone(patient.resource, entry.phone.e164)
    if resource is not None and not _went_on(sync, key):
        return Draft(entry=entry, patient=patient, resource=resource, tries=tries)
    _count_if_ours(sync, work, entry, key)
    return None


def in_turn(sync: Sync, work: Work, turns: Sequence[Turn], reads: Mapping[str, Read]) -> list[Draft]:
    """One change for each patient; whoever comes after it waits, since it changes what is to be decided."""
    drafts: dict[str, Draft] = {}
    work.waiting = []
    for turn in turns:
        if turn.patient_id in drafts:
            work.waiting.append(turn)
            continue
        with kept_by(turn.entry):
            if draft := _decide_now(sync, work, turn, reads[turn.patient_id]):
                drafts[turn.patient_id] = draft
    return list(drafts.values())


def is_ours(sync: Sync, draft: Draft, patient: Patient) -> bool:
    """Whether the change was made: another version than the one it was made from, with what it was to have."""
    if patient.version == draft.patient.version:
        return False
    if draft.entry.undoes is not None:
        return _telecom(patient) == list(draft.resource.get("telecom", []))
    return sync.with_phone(patient.resource, draft.entry.phone.e164) is None


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
    if sync.settled.get(key):
        written = sync.settled[key].pop(0)
        written.counted = True
        work.updates.append(written)
        entry.updated += 1


def _went_on(sync: Sync, key: tuple[str, str]) -> bool:
    """Whether an earlier attempt made this change and then, not counted either, another one of the same patient."""
    ours = sync.settled.get(key, [])
    return bool(ours) and any(
        one.pk > ours[0].pk for (patient, _), several in sync.settled.items() if patient == key[0] for one in several
    )


def _telecom(patient: Patient) -> list[object]:
    return list(patient.resource.get("telecom", []))
