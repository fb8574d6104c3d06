"""What earlier attempts intended and did not close: the patient is read and compared, before anything else is done.

Intents of this chain were in the chunk that did not commit, which is read again: what was written is counted with its
row then, as updated. Those of other chains, and unknown ones, are in no run's figures any more; their state is closed.
"""

from backoffice.adapters.fhir import Patient, Read
from backoffice.runs.job import Result
from regions.sync.intents import key_of, telecom_after, telecom_before
from regions.sync.models import PhoneUpdate, UpdateState
from regions.sync.scope import Sync, refusals_end_the_run
from regions.sync.statuses import tell_all
from regions.sync.work import Work, result_of

AT_ONCE = 1000


def settle(sync: Sync) -> Result:
    """A preview settles nothing: a writing run may be at work on the very same patients."""
    work = Work()
    if sync.preview:
        return result_of(sync, work, [])
    tell_all(sync)
    rows = list(
        PhoneUpdate.objects.filter(region=sync.region, state__in=(UpdateState.INTENDED, UpdateState.UNKNOWN))
        .select_related("run")
        .order_by("-pk")[:AT_ONCE]
    )
    mine = list(PhoneUpdate.objects.filter(run__chain=sync.run.chain, state=UpdateState.WRITTEN, counted=False))
    with refusals_end_the_run():
        ids = list(dict.fromkeys(row.patient_id for row in rows))
        reads = sync.fhir.read(ids, region=sync.region.name) if ids else {}
    later: dict[str, PhoneUpdate] = {}
    for row in rows:
        open_in_chain = row.state == UpdateState.INTENDED and row.run.chain == sync.run.chain
        row.state = _state(sync, row, reads[row.patient_id], later.get(row.patient_id))
        if row.state == UpdateState.WRITTEN and row.patient_id not in later:
            row.version_after = _version(reads[row.patient_id])
        later[row.patient_id] = row
        work.updates.append(row)
        mine += [row] if open_in_chain and row.state == UpdateState.WRITTEN else []
    for row in sorted(mine, key=lambda row: row.pk):
        sync.settled.setdefault(key_of(row), []).append(row)
    return result_of(sync, work, [])


def _state(sync: Sync, row: PhoneUpdate, read: Read, later: PhoneUpdate | None) -> UpdateState:
    """What the patient is now says it; where the patient was to be changed again after, what was found then."""
    if later is not None:
        made = telecom_before(later) == telecom_after(row)
    elif read.patient is None:
        return UpdateState.NOT_WRITTEN if read.code == "gone" else UpdateState.UNKNOWN
    else:
        made = _is_made(sync, row, read.patient)
    return UpdateState.WRITTEN if made else UpdateState.NOT_WRITTEN


def _version(read: Read) -> str:
    return read.patient.version if read.patient else ""


def _is_made(sync: Sync, row: PhoneUpdate, patient: Patient) -> bool:
    """The patient is in another version than the one that was to be changed, and has what it was to have."""
    if patient.version == row.version_before:
        return False
    if row.undoes_id is not None:
        return list(patient.resource.get("telecom", [])) == telecom_after(row)
    return sync.with_phone(patient.resource, str(row.change["number"])) is None
