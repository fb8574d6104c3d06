"""Patients are made and changed here; what changed stands in the audit log without its value."""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from backoffice.audit import hidden, record_change
from clinic.patients.locking import lock
from clinic.patients.models import Patient
from regions.models import Region

FIELDS = (
    "given_name", "family_name", "birth_date", "phone", "email", "push_token", "language", "time_zone",
)  # fmt: skip

# A patient who is removed after each look is none that anybody registers.
TRIES = 3


class NoSuchPatient(Exception):
    """The reference is that of a patient who was removed."""


def register(region: Region, external_id: str, values: Mapping[str, str]) -> tuple[Patient, bool]:
    """The patient of that reference with these values, and whether it was made; what is not given stays as it was.

    A patient who is removed meanwhile is not written: the reference is new again then. NoSuchPatient.
    """
    with transaction.atomic():
        patient, made = _held(region, external_id)
        changed = {name: values[name] for name in FIELDS if name in values and getattr(patient, name) != values[name]}
        if not changed:
            return patient, made
        before = {name: hidden(getattr(patient, name)) for name in changed}
        for name, value in changed.items():
            setattr(patient, name, value)
        patient.changed_at = timezone.now()
        patient.save(update_fields=[*changed, "changed_at"])
        record_change(patient, {name: (before[name], hidden(value)) for name, value in changed.items()})
    return patient, made


def _held(region: Region, external_id: str) -> tuple[Patient, bool]:
    """The patient, locked and as it stands now, and whether it was made."""
    for _ in range(TRIES):
        patient, made = Patient.objects.get_or_create(region=region, external_id=external_id)
        if patient.is_removed:
            break
        held = lock(patient.pk)
        if held is not None and held.external_id == external_id:
            return held, made
    raise NoSuchPatient
