"""Who writes something of a patient holds the patient's row meanwhile, so that no removal comes in between.

A removal (clinic/care/removal) locks the row whole. This lock keeps it and other writers out, and lets rows be
inserted that only point to the patient, so that the desk's transactions do not wait for it in a ring.
"""

from collections.abc import Iterable

from clinic.patients.models import Patient


def lock(pk: int) -> Patient | None:
    """The patient as it stands now, held until the caller's transaction ends; None for one who is removed."""
    return lock_all([pk]).get(pk)


def lock_all(pks: Iterable[int]) -> dict[int, Patient]:
    """Those of them who are not removed, by key; locked in one order, whoever asks."""
    rows = Patient.objects.select_for_update(no_key=True, of=("self",)).select_related("region")
    return {row.pk: row for row in rows.filter(pk__in=set(pks)).order_by("pk") if not row.is_removed}
