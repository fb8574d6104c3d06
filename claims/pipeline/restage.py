"""Rejected claims that were staged once more: they wait for the next night, as batches that name the night they failed.

When that night decides anew, they are withdrawn: it would decide on their lines as well, and pay them twice.
"""

from django.db.models import QuerySet

from claims.models import Night, StagedBatch

SOURCE = "rejects of the night of {}"


def source_of(night: Night) -> str:
    return SOURCE.format(night.run_date)


def waiting(night: Night) -> QuerySet[StagedBatch]:
    return StagedBatch.objects.filter(region=night.region, run_date=None, source=source_of(night))


def withdraw(night: Night) -> None:
    """Inside the caller's transaction, together with the rejects that they came from."""
    waiting(night).delete()
