"""What is known of a patient's insurance is written here; the audit log says that it was, without the number."""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from backoffice.audit import hidden, record_change
from clinic.care.models import EligibilityInformation
from clinic.patients.locking import lock
from clinic.patients.models import Patient
from clinic.patients.register import NoSuchPatient

FIELDS = ("payer_code", "payer_name", "provider_npi", "provider_last_name", "member_id", "active")


def register(patient: Patient, values: Mapping[str, str | bool]) -> tuple[EligibilityInformation, bool]:
    """The patient's active information with these values, and whether it was made. NoSuchPatient for a removed one.

    With another payer it is another record, and the former is kept, inactive. What is not given stays as it was.
    """
    with transaction.atomic():
        held = lock(patient.pk)
        if held is None:
            raise NoSuchPatient
        mine = EligibilityInformation.objects.filter(patient=held, active=True)
        row = mine.first()
        if row is None or values.get("payer_code", row.payer_code) != row.payer_code:
            mine.update(active=False)
            given = {name: values[name] for name in FIELDS if name in values}
            return EligibilityInformation.objects.create(region=held.region, patient=held, **given), True
        changed = {name: values[name] for name in FIELDS if name in values and getattr(row, name) != values[name]}
        if changed:
            for name, value in changed.items():
                setattr(row, name, value)
            row.changed_at = timezone.now()
            row.save(update_fields=[*changed, "changed_at"])
            record_change(row, {name: ("(hidden)", hidden(str(value))) for name, value in changed.items()})
    return row, False
