"""A sync balances when what it counted is what its rows say; also what a run undoes when it begins again."""

from django.db.models import Count

from backoffice.runs.faults import OutOfBalance
from backoffice.runs.models import Failure, StepPart
from regions.sync import verdict
from regions.sync.models import PhoneRow, PhoneUpdate, UpdateState
from regions.sync.scope import Sync

COUNTED = (UpdateState.WRITTEN, UpdateState.PREVIEWED)


def verify(sync: Sync) -> None:
    """Rows read = Σ outcomes, patients changed = changes written, rows that failed = failures; or OutOfBalance."""
    part, chain = sync.part, sync.run.chain
    rows = PhoneRow.objects.filter(run__chain=chain).order_by()
    found = dict(rows.values_list("outcome").annotate(n=Count("id")))
    _equal("rows", part.read, sum(found.values()), "kept")
    for outcome in verdict.OUTCOMES:
        _equal(outcome, part.outcomes.get(outcome, 0), found.get(outcome, 0), "kept")
    changed = part.totals.get("would_update" if sync.preview else "successful_updates", 0)
    written = PhoneUpdate.objects.filter(run__chain=chain, state__in=COUNTED, counted=True).count()
    _equal("patients changed", changed, written, "changes kept")
    failed = sum(number for outcome, number in part.outcomes.items() if outcome not in verdict.GOOD)
    _equal("failed rows", failed, Failure.objects.filter(run__chain=chain).count(), "failures kept")


def reset(part: StepPart) -> None:
    """Begin the chain's figures again. What was written stays written: those changes are in no run's figures then."""
    chain = part.step.chain
    updates = PhoneUpdate.objects.filter(run__chain=chain)
    updates.filter(state=UpdateState.PREVIEWED).delete()
    updates.update(counted=False)
    PhoneRow.objects.filter(run__chain=chain).delete()
    Failure.objects.filter(run__chain=chain).delete()


def _equal(name: str, counted: int, found: int, where: str) -> None:
    if counted != found:
        raise OutOfBalance(
            f"{name}: {counted} counted, {found} {where}. Start the sync anew (--fresh), and have it looked at."
        )
