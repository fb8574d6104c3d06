"""What an undo of a run would come to, as far as our own records can tell before any patient is read."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from backoffice.runs.models import Run
from backoffice.runs.report import run_report
from regions.sync.models import PhoneRow, PhoneUpdate, UpdateState


@dataclass(frozen=True, kw_only=True, slots=True)
class Undoable:
    """Changes of one run: `written` are all of them; the others say which of these an undo will not put back.

    put_back: undone already. overtaken: a later run has changed the patient again. unknown: nobody can say yet whether
    they were written; the undo settles them first, and puts back those that were. forgotten: there were changes, and
    they are kept no more.
    """

    written: int
    patients: int
    put_back: int
    overtaken: int
    unknown: int
    forgotten: bool = False

    @property
    def left(self) -> int:
        return self.written - self.put_back - self.overtaken


def undoable(run: Run) -> Undoable:
    """Of the run's whole chain."""
    ours = PhoneUpdate.objects.filter(run__chain=run.chain, undoes=None).order_by()
    written = ours.filter(state=UpdateState.WRITTEN)
    undone = PhoneUpdate.objects.filter(undoes=OuterRef("pk"), state=UpdateState.WRITTEN)
    later = PhoneUpdate.objects.filter(
        ~Exists(undone),
        region=OuterRef("region"),
        patient_id=OuterRef("patient_id"),
        state=UpdateState.WRITTEN,
        undoes=None,
        pk__gt=OuterRef("pk"),
    ).exclude(run__chain=run.chain)
    return Undoable(
        written=written.count(),
        patients=written.values("patient_id").distinct().count(),
        put_back=written.filter(Exists(undone)).count(),
        overtaken=written.filter(~Exists(undone), Exists(later)).count(),
        unknown=ours.filter(state__in=(UpdateState.UNKNOWN, UpdateState.INTENDED)).count(),
        forgotten=changes_are_forgotten(run),
    )


def changes_are_forgotten(run: Run) -> bool:
    """Whether the run's chain has changed patients, and none of its changes is kept (regions/sync/retention)."""
    changed = run_report(run)["totals"].get("successful_updates", 0)
    return bool(changed) and not PhoneUpdate.objects.filter(run__chain=run.chain).exists()


def rows_are_forgotten(run: Run) -> bool:
    """The same of the rows that the chain has read."""
    return bool(run_report(run)["read"]) and not PhoneRow.objects.filter(run__chain=run.chain).exists()
