"""Rows of numbers to which messages come back: nothing leads from them to a patient but the number itself."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from django.contrib.auth.models import User
from django.db.models import Model

from backoffice.keyring import SecretUnreadable
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Resolution
from clinic.notices.bounces import PASSING
from clinic.notices.models import Channel, Notice
from clinic.patients.models import Patient
from regions.sync.models import UndeliverablePhone
from regions.sync.undeliverable import empty, report, rows_of

WHY = "The patient was removed."


def undeliverable(patient: Patient) -> tuple[str, list[UndeliverablePhone]]:
    """(table, those of its rows that would be closed and emptied): of the patient's number, of those to which messages
    went before, and what was reported under the hospital's reference."""
    found = rows_of(patient.region, set(_numbers(patient)), patient.external_id)
    return str(UndeliverablePhone._meta.verbose_name_plural), found


def forget_numbers(patient: Patient, user: User | None) -> None:
    """Both ways of a removal, while the ledger has its numbers. One that another patient has as well is marked anew for
    them; that it was somebody else's was said of this patient alone."""
    rows = undeliverable(patient)[1]
    others = _of_others(patient) if rows else set()
    # What may pass first: of one number the last report is what stands.
    for row in sorted(rows, key=lambda row: row.reason not in PASSING):
        number = _number_of(row) if row.resolution == Resolution.OPEN else ""
        empty(row, user, WHY)
        if number in others and row.reason != UndeliverablePhone.Reason.WRONG_PERSON:
            with suppress(Misuse):  # the region's country is another one since: it is no number there
                report(patient.region, number, row.reason)


def _number_of(row: UndeliverablePhone) -> str:
    try:
        return str(row.phone.get("number", ""))
    except SecretUnreadable:  # it is found by its digest alone, and cannot be compared
        return ""


def _of_others(patient: Patient) -> set[str]:
    """The numbers of the region's other patients, each of which has to be opened to be known."""
    rows = Patient.objects.filter(region=patient.region_id).exclude(pk=patient.pk).only("pk", "row_id", "phone")
    return {number for number in _opened(rows.order_by("pk").iterator(), "phone") if number}


def _numbers(patient: Patient) -> Iterator[str]:
    yield str(patient.phone)
    rows = Notice.objects.filter(patient=patient, channel=Channel.SMS).only("pk", "row_id", "to")
    yield from _opened(rows.iterator(), "to")


def _opened(rows: Iterable[Model], column: str) -> Iterator[str]:
    """What the rows hold in the encrypted column; nobody reads what cannot be opened."""
    for row in rows:
        try:
            yield str(getattr(row, column))
        except SecretUnreadable:
            continue
