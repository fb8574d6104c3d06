"""Loads and nights take turns: a load holds its region's row to its end, and a night becomes live under the same lock.

On SQLite the transactions do it by themselves: a load's is the only one that writes.
"""

from django.db import OperationalError, connection

from backoffice.runs.accounts import cause_of
from backoffice.runs.faults import Misuse
from backoffice.runs.models import LIVE, Run
from regions.models import Region

NIGHTS = ("run_pipeline", "rerun_pipeline", "undo_pipeline")
PATIENCE = "3s"  # for what holds the row a moment only: another start, a booking


def take_turn(region: Region) -> None:
    """One load after the other, since none sees the lines of another before that is committed; Misuse while a night
    runs or is taken back."""
    lock(region.pk)
    if Run.objects.filter(region=region, job__in=NIGHTS, status__in=LIVE).exists():
        raise Misuse(f"A night of {region.name} is running or taken back. Load when that has ended, or stop it.")


def admit(run: Run) -> None:
    """Inside the transaction that makes the run live: a load that began before it could change accumulators under it,
    and its restart would put back what stood before. Misuse while one is under way."""
    if run.region is None or connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        try:
            lock(run.region.pk)
        except OperationalError as error:
            if cause_of(error) != "LockNotAvailable":
                raise
            raise Misuse(f"A load of {run.region.name} is under way. Start when it has ended.") from None
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def lock(region: int) -> None:
    """Until the end of the caller's transaction, against loads and starts of the region."""
    Region.objects.select_for_update(no_key=True).get(pk=region)
