"""Patient data of old syncs is forgotten: rows, changes, and undeliverable numbers that are settled.

A chain of runs is forgotten as a whole, so that what is left of it can be undone or nothing can. Its runs stay, with
their figures: these name no patient.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from backoffice.audit import record_change
from backoffice.runs.models import LIVE, Resolution, Run
from regions.models import Region
from regions.sync.models import PhoneRow, PhoneUpdate, UndeliverablePhone

AT_ONCE: Final = 500  # rows of one transaction: a sync that runs beside it waits for no more


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """How many there were: rows of sheets, changes of patients, and undeliverable numbers."""

    rows: int
    changes: int
    numbers: int

    @property
    def any(self) -> bool:
        return bool(self.rows or self.changes or self.numbers)


def forgettable(region: Region, before: datetime) -> Forgotten:
    """What forget() would take, and nothing is changed."""
    counts = {"rows": 0, "changes": 0}
    for chain in _chains(region, before):
        counts["rows"] += PhoneRow.objects.filter(run__chain=chain).count()
        counts["changes"] += PhoneUpdate.objects.filter(run__chain=chain).count()
    return Forgotten(**counts, numbers=_settled_numbers(region, before).count())


def forget(region: Region, before: datetime) -> Forgotten:
    """Delete what syncs that ended before then have kept, in small transactions. Safe beside syncs, and to repeat.

    A chain that began or ended later stays, one that is at work, and the one that such a run undoes or repeats.
    """
    rows = changes = 0
    for chain in _chains(region, before):
        rows += _delete(PhoneRow.objects.filter(run__chain=chain), chain)
        changes += _delete(PhoneUpdate.objects.filter(run__chain=chain), chain)
    forgotten = Forgotten(rows=rows, changes=changes, numbers=_delete(_settled_numbers(region, before)))
    if forgotten.any:
        what = f"{rows} rows, {changes} changes, {forgotten.numbers} undeliverable numbers"
        record_change(region, {"patient data of phone syncs": (what, "")}, before=before.isoformat())
    return forgotten


def _chains(region: Region, before: datetime) -> Iterator[UUID]:
    """The newest first, so that an undo goes before what it has undone."""
    runs = Run.objects.filter(job="sync_phones", region=region)
    late = runs.filter(Q(status__in=LIVE) | Q(created_at__gte=before) | Q(ended_at__gte=before))
    kept, needed = set(), set()
    for chain, parameters in late.values_list("chain", "parameters"):
        kept.add(chain)
        needed |= {parameters.get("run"), parameters.get("only", {}).get("failures_of")}
    kept |= set(runs.filter(pk__in=needed - {None}).values_list("chain", flat=True))
    done = dict.fromkeys(runs.order_by("-pk").values_list("chain", flat=True))
    yield from (chain for chain in done if chain not in kept)


def _settled_numbers(region: Region, before: datetime) -> QuerySet[UndeliverablePhone]:
    return UndeliverablePhone.objects.filter(region=region, resolved_at__lt=before).exclude(resolution=Resolution.OPEN)


def _delete(found: QuerySet[Any], chain: UUID | None = None) -> int:
    """Until there are none; or, of a chain, until somebody has restarted it."""
    deleted = 0
    while True:
        with transaction.atomic():
            if chain is not None and Run.objects.filter(chain=chain, status__in=LIVE).exists():
                return deleted
            ids = list(found.order_by("-pk").values_list("pk", flat=True)[:AT_ONCE])
            found.model._base_manager.filter(pk__in=ids).delete()
        deleted += len(ids)
        if len(ids) < AT_ONCE:
            return deleted
