"""load_claims: a folder of CSV files into the staging and reference tables, all of it or nothing.

What is wrong with a claim line is for the validation to say; refused here are files that cannot be read, CSV files of
other names, missing and duplicate keys, and reference rows with values that are none.
"""

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from backoffice.audit import record_change
from backoffice.formats import count, legible
from claims.models import StagedBatch
from claims.pipeline.delivered import FolderRefused as FolderRefused
from claims.pipeline.delivered import Problems
from claims.pipeline.drafts import draft
from claims.pipeline.lines import LINE_COLUMNS as LINE_COLUMNS
from claims.pipeline.lines import LINES, load_lines
from claims.pipeline.opening import ACCUMULATOR_COLUMNS as ACCUMULATOR_COLUMNS
from claims.pipeline.opening import ACCUMULATORS, TYPES, open_accumulators, read_opening, refuse_under_way
from claims.pipeline.tables import TABLES as TABLES
from claims.pipeline.tables import load_table
from claims.pipeline.turns import take_turn
from regions.models import Region

NAMES = (LINES, *TABLES, ACCUMULATORS)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """`batch` waits for the next night; None where the folder has no line. `rows`: of each other file, by its name."""

    batch: StagedBatch | None
    rows: dict[str, int]


def load(folder: Path, region: Region) -> Loaded:
    """Stage the folder's lines and make the reference tables what its files say; files that it lacks change nothing.

    Raises FolderRefused with file and line of what is wrong; then nothing was changed.
    """
    present = [name for name in NAMES if (folder / name).is_file()]
    problems = Problems()
    for name in _misnamed(folder):
        problems.add(legible(name), f"is none of the files that are read: {', '.join(NAMES)}")
    if not present:
        problems.refuse()
        raise FolderRefused([f"{legible(folder)}: there is no {LINES} in it, nor a reference table"])
    with transaction.atomic(), draft("opening", TYPES) as opening:
        take_turn(region)
        if ACCUMULATORS in present:
            refuse_under_way(region)
        rows = {
            name: load_table(folder / name, table, region, problems)
            for name, table in TABLES.items()
            if name in present
        }
        if ACCUMULATORS in present:
            rows[ACCUMULATORS] = read_opening(folder / ACCUMULATORS, opening, problems)
        batch = _stage(folder, region, problems) if LINES in present else None
        if present == [LINES] and batch is None and not problems.found:
            problems.add(LINES, "has no line")
        problems.refuse()
        if rows:
            record_change(region, {name: ("", count(number, "row")) for name, number in rows.items()})
        # Last: in a database of their own they are not undone with the rest.
        open_accumulators(opening, region)
    return Loaded(batch=batch, rows=rows)


def _misnamed(folder: Path) -> list[str]:
    """CSV files that would be left unread, and the table they were meant for as it was; hidden ones are nobody's."""
    if not folder.is_dir():
        return []
    files = (path.name for path in folder.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    return sorted(name for name in files if name not in NAMES and not name.startswith("."))


def _stage(folder: Path, region: Region, problems: Problems) -> StagedBatch | None:
    """The batch of the folder's lines, unless there is none or something is wrong."""
    batch = StagedBatch.objects.create(region=region, source=legible(folder)[-200:])
    batch.lines = load_lines(folder / LINES, batch, problems)
    if not batch.lines:
        batch.delete()
        return None
    batch.save(update_fields=["lines"])
    record_change(batch, {"lines": ("0", str(batch.lines))})
    return batch
