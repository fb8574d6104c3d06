"""RemoveUser (contract S3-14, X-19): anonymise or delete, all of it or nothing, with a row of the audit log."""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError, QuerySet
from django.utils import timezone

from backoffice.audit import record_change
from backoffice.formats import count
from clinic.booking import book
from clinic.booking.desk import at_the_desk
from clinic.booking.models import Appointment, Hold, PosOrder, WaitlistEntry
from clinic.booking.moving import By
from clinic.booking.states import EXPECTED, State
from clinic.booking.waiting import IN_LINE, withdraw
from clinic.care.models import EligibilityInformation, RetentionHold
from clinic.care.removal.numbers import forget_numbers, undeliverable
from clinic.care.removal.owned import OWNED, PERSON
from clinic.care.removal.told import forget_answers, forget_told, messages
from clinic.notices.models import BedTimeEnrolment
from clinic.patients.models import Patient

log = structlog.get_logger(__name__)
ANONYMISE, DELETE = "anonymise", "delete"
TOOK_PLACE = (State.ARRIVED, State.SAMPLE_COLLECTED, State.IN_PROGRESS, State.COMPLETED)
HELD = "A retention hold stands: nothing of this patient is removed until it is released."
KEPT = (
    "A visit took place, or was paid for, that has to be kept (RECORDS_KEPT_DAYS): this patient can be made anonymous,"
    " not deleted."
)
GONE = "This patient was removed already."
ELSEWHERE = "Rows of another table belong to this patient and may not go. Nothing was removed."


class RemovalRefused(Exception):
    """Nothing was removed; the message says in a line why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What would go: (table, how many rows); why nothing may, and why only the rows themselves may not. In words, to
    count it for a person: what an anonymous patient's rows are emptied of, what stays of them, and in `told` what else
    is emptied."""

    counts: tuple[tuple[str, int], ...]
    emptied: tuple[str, ...]
    stays: tuple[str, ...]
    told: str
    expected: int
    held: str
    kept: str

    def refusal(self, how: str) -> str:
        """Why it cannot be done in this way; empty where it can."""
        return self.held or (self.kept if how == DELETE else "")


def preview(patient: Patient) -> Preview:
    """Changes nothing. `expected`: appointments that would be cancelled."""
    rows = [(owned, number) for owned in OWNED if (number := owned.rows(patient).count())]
    (title, told), (table, numbers) = messages(patient), undeliverable(patient)
    counts = [*((owned.title, number) for owned, number in rows), (title, told), (table, len(numbers)), ("patients", 1)]
    said = (
        (told, "message of a laboratory or till", "messages of laboratories and tills"),
        (len(numbers), "row of an undeliverable number", "rows of undeliverable numbers"),
    )
    return Preview(
        counts=tuple((name, number) for name, number in counts if number),
        emptied=tuple(owned.counted(number) for owned, number in rows if owned.emptied),
        stays=tuple(owned.counted(number) for owned, number in rows if not owned.emptied),
        told=" and ".join(count(number, *nouns) for number, *nouns in said if number),
        expected=_expected(patient).count(),
        held=HELD if RetentionHold.objects.filter(patient=patient, released_at=None).exists() else "",
        kept=KEPT if _visits_to_keep(patient) else "",
    )


def remove(patient: Patient, how: str, by: By) -> Preview:
    """What went; RemovalRefused. Expected appointments are cancelled first, so that their time is free again."""
    try:
        with transaction.atomic(), at_the_desk(patient.region):
            patient = _locked(patient)
            found = preview(patient)
            if refusal := found.refusal(how):
                raise RemovalRefused(refusal)
            _give_up_times(patient, by)
            forget_told(patient)
            forget_answers(patient)
            forget_numbers(patient, by.user)
            record_change(patient, {"patient": ("known", how)}, removed=dict(found.counts))
            (_delete if how == DELETE else _anonymise)(patient)
    except ProtectedError:
        raise RemovalRefused(ELSEWHERE) from None
    log.info("patient_removed", patient=patient.pk, how=how)
    return found


def _locked(patient: Patient) -> Patient:
    """As it stands now, whole and out of everybody's reach (clinic/patients/locking.py)."""
    row = Patient.objects.select_for_update(of=("self",)).select_related("region").filter(pk=patient.pk).first()
    if row is None:
        raise RemovalRefused(GONE)
    return row


def _expected(patient: Patient) -> QuerySet[Appointment]:
    return Appointment.objects.filter(patient=patient, state__in=EXPECTED)


def _visits_to_keep(patient: Patient) -> bool:
    since = timezone.now() - timedelta(days=settings.RECORDS_KEPT_DAYS)
    took_place = Appointment.objects.filter(patient=patient, state__in=TOOK_PLACE, begins__gte=since)
    money = PosOrder.objects.filter(appointment__patient=patient, changed_at__gte=since).exclude(paid=0, refunded=0)
    return took_place.exists() or money.exists()


def _give_up_times(patient: Patient, by: By) -> None:
    """Out of the line first, lest what is given up next is offered to who gives it up."""
    for entry in WaitlistEntry.objects.filter(patient=patient, state__in=IN_LINE).order_by("-state", "pk"):
        withdraw(entry)
    for hold in Hold.objects.filter(patient=patient, state=Hold.State.OPEN):
        book.release_hold(hold)
    for appointment in _expected(patient):
        book.cancel(appointment, by, "")


def _anonymise(patient: Patient) -> None:
    """Rows, states, times and counts stay; whom they are about is in none of them."""
    for owned in OWNED:
        owned.let_go(owned.rows(patient))
        for row in owned.rows(patient) if owned.emptied else ():
            for name, value in owned.emptied:
                setattr(row, name, value)
            row.save(update_fields=[name for name, _ in owned.emptied])
    for name in PERSON:
        setattr(patient, name, "")
    patient.external_id = patient.removed_reference
    patient.changed_at = timezone.now()
    patient.save(update_fields=[*PERSON, "external_id", "changed_at"])
    EligibilityInformation.objects.filter(patient=patient).update(active=False)
    BedTimeEnrolment.objects.filter(patient=patient, ended_at=None).update(ended_at=timezone.now())


def _delete(patient: Patient) -> None:
    for owned in OWNED:
        owned.let_go(owned.rows(patient))
        owned.rows(patient).delete()
    Patient.objects.filter(pk=patient.pk).delete()
