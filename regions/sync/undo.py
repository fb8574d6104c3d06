"""The chunks of an undo: the changes that a sync has made, the last one first."""

from collections.abc import Iterator

from backoffice.adapters.sheets import Row
from backoffice.runs.job import Chunk, Json
from backoffice.runs.models import Run
from regions.phones import Phone
from regions.sync.models import PhoneRow, PhoneUpdate, UpdateState
from regions.sync.scope import BATCH, Sync
from regions.sync.statuses import tell_all, tell_when_due
from regions.sync.work import Entry


def chunks(sync: Sync, checkpoint: Json | None) -> Iterator[Chunk]:
    """As of the sheet: the last chunk has no rows, and counts the calls that told the last statuses."""
    undone = Run.objects.get(pk=sync.parameters["run"])
    updates = PhoneUpdate.objects.filter(
        region=sync.region, run__chain=undone.chain, state=UpdateState.WRITTEN, undoes=None
    ).order_by("-pk")
    total, done = updates.count(), (checkpoint or {}).get("rows", 0)
    left = updates.filter(pk__lt=checkpoint["update"]) if checkpoint else updates
    at = checkpoint["update"] if checkpoint else 0
    while rows := list(left[:BATCH]):
        at, done = rows[-1].pk, done + len(rows)
        left = updates.filter(pk__lt=at)
        place = {"update": at, "rows": done}
        yield Chunk(data=_entries(undone, rows), checkpoint=place, done=done, of=total, label=f"change {done:,}")
        tell_when_due(sync)
    tell_all(sync)
    yield Chunk(data=[], checkpoint={"update": at, "rows": done}, done=done, of=max(total, done), label="statuses")


def _entries(undone: Run, updates: list[PhoneUpdate]) -> list[Entry]:
    """With the keys that the rows had in the sheet, so that these can be told."""
    rows = PhoneRow.objects.filter(run__chain=undone.chain, row__in=[update.row for update in updates])
    keys = {row.row: row.key for row in rows}
    return [
        Entry(
            row=Row(
                number=update.row,
                identifier=keys[update.row]["identifier"] if update.row in keys else "",
                phone=keys[update.row]["phone"] if update.row in keys else "",
            ),
            phone=Phone(),
            patients=1,
            undoes=update,
        )
        for update in updates
    ]
