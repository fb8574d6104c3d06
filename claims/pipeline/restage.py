"""Rejected claims that were staged once more: they wait for the next night, as batches that name the night they failed.

When that night decides anew, they are withdrawn, also from a later night that has taken them and was undone: it would
decide on their lines as well, and pay them twice. And the lines of a whole night, where that night was one too many.
"""

from datetime import date

from django.db import transaction
from django.db.models import QuerySet

from backoffice.audit import record_change
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Failure, Resolution, Run
from backoffice.runs.undone import is_undone
from claims.models import Night, StagedBatch, StagedLine
from claims.pipeline import turns
from claims.pipeline.once import refuse_release

CATEGORY = "rejected"


def batch_for_rejects(night: Night) -> StagedBatch:
    """One that waits, and has no lines yet."""
    source = f"rejects of the night of {night.run_date}"
    return StagedBatch.objects.create(region=night.region, source=source, rejects_of=night.run_date)


def staged_again(night: Night) -> QuerySet[StagedBatch]:
    """Of its rejects, whether they wait or a later night has taken them."""
    return StagedBatch.objects.filter(region=night.region, rejects_of=night.run_date)


def waiting(night: Night) -> QuerySet[StagedBatch]:
    return staged_again(night).filter(run_date=None)


def withdraw(night: Night) -> None:
    """Inside the caller's transaction, together with the rejects that they came from. No later night stands by then
    (claims/pipeline/order.py), so that what is taken from one was paid by none."""
    staged_again(night).delete()


@transaction.atomic
def release(night: Night) -> int:
    """Take an undone night off the calendar: its lines wait for the next night once more, and its date is free. Say how
    many lines; Misuse where it is not undone, or one of its lines has come again."""
    turns.lock(night.region_id)
    last = Run.objects.select_for_update().filter(chain=night.chain).latest("attempt")
    if not is_undone(last):
        raise Misuse(f"The night of {night.run_date} is not undone: run {last.pk} is {last.status}.")
    refuse_release(night)
    lines = 0
    for batch in StagedBatch.objects.filter(region=night.region, run_date=night.run_date):
        StagedBatch.objects.filter(pk=batch.pk).update(run_date=None)
        record_change(batch, {"run_date": (str(night.run_date), "")})
        lines += batch.lines
    night.delete()
    return lines


@transaction.atomic
def discard(batch: StagedBatch) -> None:
    """Delete the lines of a load that should not have been, or of rejects that should not have been staged again, which
    are open once more; Misuse where a night has taken them."""
    held = StagedBatch.objects.select_for_update(of=("self",)).filter(pk=batch.pk, run_date=None).first()
    if held is None:
        raise Misuse(f"Batch {batch.pk} belongs to a night by now. Undo the night, or let it be paid.")
    if held.rejects_of:
        _open_again(held, held.rejects_of)
    record_change(held, {"lines": (str(held.lines), "discarded")})
    held.delete()


def _open_again(batch: StagedBatch, rejects_of: date) -> None:
    """The rejects of that night that were staged as this batch."""
    nights = Night.objects.filter(region=batch.region_id, run_date=rejects_of)
    claims = list(StagedLine.objects.filter(batch=batch).values_list("claim_id", flat=True).distinct())
    for row in Failure.objects.filter(
        run__chain__in=nights.values("chain"), category=CATEGORY, resolution=Resolution.FIXED, reference__in=claims
    ):
        row.resolution, row.resolved_by, row.resolved_at = Resolution.OPEN, None, None
        row.save(update_fields=["resolution", "resolved_by", "resolved_at"])
        changes = {"resolution": (str(Resolution.FIXED), str(Resolution.OPEN))}
        record_change(row, changes, region=batch.region_id, batch=batch.pk)
