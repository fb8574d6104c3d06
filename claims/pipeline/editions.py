"""One edition of each reference table for a whole night: who looks up a changed fee after others have looked up the old
one would make a night of two minds.

Every checkpoint carries the editions of the tables that it was computed with, in the transaction of its work, and loses
them with it when its step is undone. A part that opens compares what it has read with what the night's checkpoints say,
and a step's end compares them all once more: two parts may have opened at the same moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backoffice.runs.faults import ConfigError
from backoffice.runs.models import StepPart
from claims.pipeline import references
from claims.pipeline.night import Work, hashes

if TYPE_CHECKING:
    import polars as pl

# As their files are called, where these say it otherwise than claims.pipeline.references.
FILES = {"contracts": "contract_terms", "fees": "fee_schedule", "procedures": "procedure_codes"}


def read(work: Work, *tables: str) -> dict[str, pl.DataFrame]:
    """The tables by name, as claims.pipeline.references reads them; ConfigError when the night has used others."""
    found: dict[str, pl.DataFrame] = {table: getattr(references, table)(work.region) for table in tables}
    note(work, {table: f"{frame.height}:{sum(hashes(frame)):x}" for table, frame in found.items()})
    return found


def note(work: Work, found: dict[str, str]) -> None:
    """Table → which edition of it the part has read; ConfigError when the night has used others."""
    work.editions.update(found)
    agree(work)


def agree(work: Work) -> None:
    """Every checkpoint of the night was computed with what this part has read, or the night ends with one line."""
    parts = StepPart.objects.filter(step__chain=work.night.chain, checkpoint__isnull=False)
    rows = parts.order_by("step__sequence", "partition").values_list("step__name", "checkpoint")
    for step, checkpoint in rows:
        for table, edition in (checkpoint or {}).get("tables", {}).items():
            if work.editions.get(table, edition) != edition:
                raise ConfigError(
                    f"{FILES.get(table, table)} has changed since {step} looked it up. Restart from {step}, to use the"
                    f" new one for the whole night (--from-step {step}), or put the old one back and restart."
                )
