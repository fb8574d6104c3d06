"""What earlier attempts intended and did not close: the patient is read and compared, before anything else is done.

Intents of this chain were in the chunk that did not commit, which is read again: what was written is counted with its
row then, as updated. Those of other chains, and unknown ones, are in no run's figures any more; their state is closed.
"""

from backoffice.adapters.fhir import Patient, Read, change_phone
from backoffice.runs.job import Result
from regions.sync.intents import key_of, telecom_after
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
    for row in PhoneUpdate.objects.filter(run__chain=sync.run.chain, state=UpdateState.WRITTEN, counted=False):
        sync.settled[key_of(row)] = row
    with refusals_end_the_run():
        ids = list(dict.fromkeys(row.patient_id for row in rows))
        reads = sync.fhir.read(ids, region=sync.region.name) if ids else {}
    seen: set[tuple[str, str]] = set()
    for row in rows:
        _settle(sync, row, reads[row.patient_id], later=key_of(row) in seen)
        seen.add(key_of(row))
        work.updates.append(row)
    return result_of(sync, work, [])


def _settle(sync: Sync, row: PhoneUpdate, read: Read, *, later: bool) -> None:
    """`later`: the same change was tried again after this one, which therefore was not made."""
    mine = row.state == UpdateState.INTENDED and row.run.chain == sync.run.chain
    if later or read.code == "gone":
        row.state = UpdateState.NOT_WRITTEN
    elif read.patient is None:
        row.state = UpdateState.UNKNOWN
    elif _is_made(sync, row, read.patient):
        row.state, row.version_after = UpdateState.WRITTEN, read.patient.version
        if mine:
            sync.settled[key_of(row)] = row
    else:
        row.state = UpdateState.NOT_WRITTEN


def _is_made(sync: Sync, row: PhoneUpdate, patient: Patient) -> bool:
    """The patient is in another version than the one that was to be changed, and has what it was to have."""
    if patient.version == row.version_before:
        return False
    if row.undoes_id is not None:
        return list(patient.resource.get("telecom", [])) == telecom_after(row)
    return change_phone(patient.resource, row.change["number"], sync.today()) is None
