"""A change as it is written down before it is sent."""

from regions.sync.models import PhoneUpdate, UpdateState
from regions.sync.scope import Sync
from regions.sync.work import Draft


def intent_of(sync: Sync, draft: Draft, state: UpdateState) -> PhoneUpdate:
    """The row of one change, not saved."""
    return PhoneUpdate(
        region=sync.region,
        run=sync.run,
        row=draft.entry.row.number,
        patient_id=draft.patient.id,
        state=state,
        version_before=draft.patient.version,
        counted=state == UpdateState.PREVIEWED,
        change={"number": draft.entry.phone.e164, "telecom": draft.patient.resource.get("telecom", [])},
    )
