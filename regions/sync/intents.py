"""A change as it is written down before it is sent, and read back by whoever finds it open or undoes it."""

from typing import Any

from backoffice.adapters import fhir_json
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
        undoes=draft.entry.undoes,
        change={
            "number": draft.entry.phone.e164,
            "before": _text(draft.patient.resource.get("telecom", [])),
            "after": _text(draft.resource.get("telecom", [])),
        },
    )


def telecom_before(update: PhoneUpdate) -> list[Any]:
    return _telecom(update.change["before"])


def telecom_after(update: PhoneUpdate) -> list[Any]:
    return _telecom(update.change["after"])


def key_of(update: PhoneUpdate) -> tuple[str, str]:
    """By what a later attempt knows the change again: the patient, and the number or what was undone."""
    what = update.change["number"] if update.undoes_id is None else f"undo {update.undoes_id}"
    return update.patient_id, str(what)


def _text(telecom: list[Any]) -> str:
    """FHIR's own JSON, since an extension may hold a decimal whose digits count."""
    return fhir_json.write({"telecom": telecom}).decode()


def _telecom(text: str) -> list[Any]:
    return list(fhir_json.read(text.encode())["telecom"])
