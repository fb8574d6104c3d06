"""Rows of numbers to which messages come back: nothing leads from them to a patient but the number itself."""

from collections.abc import Iterator

from django.contrib.auth.models import User

from backoffice.keyring import SecretUnreadable
from clinic.notices.models import Channel, Notice
from clinic.patients.models import Patient
from regions.sync.models import UndeliverablePhone
from regions.sync.undeliverable import empty, rows_of

WHY = "The patient was removed."


def undeliverable(patient: Patient) -> tuple[str, list[UndeliverablePhone]]:
    """(table, those of its rows that would be closed and emptied): of the patient's number, of those to which messages
    went before, and what was reported under the hospital's reference."""
    found = rows_of(patient.region, set(_numbers(patient)), patient.external_id)
    return str(UndeliverablePhone._meta.verbose_name_plural), found


def forget_numbers(patient: Patient, user: User | None) -> None:
    """Both ways of a removal, while the ledger has its numbers. Whoever else has one of them gets a row of their own
    when the next message comes back."""
    for row in undeliverable(patient)[1]:
        empty(row, user, WHY)


def _numbers(patient: Patient) -> Iterator[str]:
    yield str(patient.phone)
    for notice in Notice.objects.filter(patient=patient, channel=Channel.SMS).only("pk", "row_id", "to").iterator():
        try:
            yield str(notice.to)
        except SecretUnreadable:  # nobody reads it; what it was sent to is emptied with it
            continue
