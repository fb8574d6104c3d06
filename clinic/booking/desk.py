"""The desk: where what is booked in a region is changed, by one after the other."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from clinic.booking.holding import due, end_due
from clinic.booking.line import offer
from clinic.booking.refusals import PatientRemoved
from clinic.patients.models import Patient
from regions.models import Region


def known(patient: Patient) -> None:
    """PatientRemoved for who was removed since they were read. Called at the desk, where a removal takes its turn."""
    row = Patient.objects.filter(pk=patient.pk).first()
    if row is None or row.is_removed:
        raise PatientRemoved


@contextmanager
def at_the_desk(region: Region) -> Iterator[None]:
    """One transaction that changes what is booked in the region. No hold in it has expired.

    Those that had are ended in a transaction before, so that their slots are offered to who waits for them even where
    what follows is refused; and those of the moment between in this one.
    """
    expire_holds(region)
    with transaction.atomic():
        _lock(region)
        _expire(region)
        yield


def expire_holds(region: Region) -> int:
    """End the holds whose time is over and offer what they kept to the waitlist; how many. Safe to repeat."""
    if not due(region).exists():
        return 0
    with transaction.atomic():
        _lock(region)
        return _expire(region)


def _expire(region: Region) -> int:
    freed = end_due(region)
    if freed:
        offer(region, *freed)
    return len(freed)


def _lock(region: Region) -> None:
    """Until the transaction ends, nobody else is at this desk. On SQLite the database has one writer as it is.

    The lock keeps the waitlist in order and transactions from waiting for each other in a ring. That nobody is booked
    twice does not hang on it (clinic/booking/taking.py).
    """
    list(Region.objects.select_for_update(no_key=True).filter(pk=region.pk).values_list("pk"))
