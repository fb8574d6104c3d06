"""Nights follow each other: each begins with the accumulators that the one before has left. An undone night has left
none, and bars nothing before it; it bars what comes after it until it is complete once more."""

from datetime import date

from claims.models import Night, StagedBatch
from regions.models import Region


def standing_after(region: Region, run_date: date) -> list[Night]:
    """The later nights that are not undone, the earliest first."""
    later = Night.objects.select_related("region").filter(region=region, run_date__gt=run_date)
    return [night for night in later.order_by("run_date") if not night.undone]


def unfinished_before(region: Region, run_date: date) -> Night | None:
    """The night before, where it is not complete."""
    before = Night.objects.select_related("region").filter(region=region, run_date__lt=run_date).first()
    return before if before is not None and not before.complete else None


def emptied(night: Night) -> bool:
    """Whether it is undone and has no lines any more, since they were rejects of a night that decides on them again.
    It takes none that wait: they came after it."""
    return night.undone and not StagedBatch.objects.filter(region=night.region_id, run_date=night.run_date).exists()


def undoing(night: Night, *options: str) -> str:
    """The command that takes the night back."""
    named = f"manage.py undo_pipeline --region {night.region.name} --run-date {night.run_date}"
    return " ".join((named, *options, "--wait"))
