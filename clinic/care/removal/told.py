"""What was told of a patient's appointments: messages of laboratories and tills, and the numbers in events."""

import json

from backoffice.keyring import SecretUnreadable
from clinic.booking.models import Appointment, KeptAnswer
from clinic.booking.outside.belonging import subject_of
from clinic.events.inbound.forgetting import forget, messages_of
from clinic.events.models import Inbound, Outbox
from clinic.patients.models import Patient

BATCH = 500
HOSPITALS = "external_id"  # of the appointment, in events of ours


def messages(patient: Patient) -> tuple[str, int]:
    """(table, how many of its rows would be emptied)."""
    found = messages_of(patient.region_id, [subject_of(pk) for pk in _appointments(patient)])
    return str(Inbound._meta.verbose_name_plural), len(found)


def forget_told(patient: Patient) -> None:
    """Both ways of a removal, while the appointments are still there. Events stay: others are not done with them."""
    numbers = _appointments(patient)
    forget(patient.region_id, [subject_of(pk) for pk in numbers])
    ours = Outbox.objects.filter(region=patient.region_id, subject__in=[str(pk) for pk in numbers])
    for event in ours.filter(data__has_key=HOSPITALS).exclude(**{f"data__{HOSPITALS}": ""}):
        event.data = {**event.data, HOSPITALS: ""}
        event.save(update_fields=["data"])


def forget_answers(patient: Patient) -> None:
    """What requests about the patient were answered, with a visit's number: a request that comes again is done anew,
    and refused, since the patient is none any more."""
    kept = KeptAnswer.objects.filter(token__regions=patient.region_id).order_by("pk")
    about = [row.pk for row in kept.iterator(chunk_size=500) if _is_about(row, patient.pk)]
    for at in range(0, len(about), BATCH):
        KeptAnswer.objects.filter(pk__in=about[at : at + BATCH]).delete()


def _is_about(row: KeptAnswer, patient: int) -> bool:
    """By the patient of a portal, which its key begins with, or the one that the answer names."""
    if row.key.startswith(f"{patient}:"):
        return True
    try:
        body = json.loads(row.body or "{}")
    except SecretUnreadable:  # nobody reads it, and it is deleted with all others of its age
        return False
    return isinstance(body, dict) and body.get("patient") == patient


def _appointments(patient: Patient) -> list[int]:
    return list(Appointment.objects.filter(patient=patient).values_list("pk", flat=True))
