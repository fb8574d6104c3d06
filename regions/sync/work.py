"""What a chunk of rows carries from phase to phase, and the figures that it adds to the run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from backoffice.adapters.fhir import Patient
from backoffice.adapters.sheets import Row
from backoffice.runs.job import Fault, Json, Result, Total
from regions.phones import Phone
from regions.sync import verdict
from regions.sync.models import PhoneUpdate
from regions.sync.scope import Sync


@dataclass(kw_only=True, slots=True)
class Entry:
    """One row and what is known of it: `outcome` is set where no patient is to be written, else follows from them.

    failures: (outcome, code) of each patient that could not be changed. `undoes`: the change that is to be put back,
    where the row is one of an undo.
    """

    row: Row
    phone: Phone
    outcome: str = ""
    reason: str = ""
    patients: int = 0
    updated: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    undoes: PhoneUpdate | None = None

    def close(self) -> None:
        """Row = success only if all matches are [S1-15]."""
        if self.failures:
            self.outcome, self.reason = min(self.failures, key=lambda one: verdict.FAILED_UPDATES.index(one[0]))
        elif not self.outcome:
            self.outcome = verdict.UPDATED if self.updated else verdict.UNCHANGED


@dataclass(kw_only=True, slots=True)
class Draft:
    """A change of one patient on its way. `row` is its intent, once that is committed."""

    entry: Entry
    patient: Patient
    resource: Json = field(repr=False)
    tries: int = 1
    intent: PhoneUpdate | None = None


class Turn(NamedTuple):
    """A row whose number for a patient is decided once that is written which goes before it."""

    entry: Entry
    patient_id: str
    tries: int = 1


@dataclass(kw_only=True, slots=True)
class Work:
    """A chunk: its rows; those that wait for another change of their patient; intents to be closed."""

    entries: list[Entry] = field(default_factory=list)
    waiting: list[Turn] = field(default_factory=list)
    updates: list[PhoneUpdate] = field(default_factory=list)
    previews: list[PhoneUpdate] = field(default_factory=list)


def result_of(sync: Sync, work: Work, intents: Sequence[Draft], counted: Mapping[str, Total] | None = None) -> Result:
    """The chunk's result as it stands, on top of what it has `counted`; whole once `intents` is empty."""
    totals = Counter(counted or {})
    totals.update(sync.take_counts())
    if not intents:
        for entry in work.entries:
            entry.close()
        totals.update(_figures(sync, work))
    outcomes = Counter(entry.outcome for entry in work.entries) if not intents else Counter()
    return Result(
        read=len(work.entries),
        outcomes=outcomes,
        failures=[_fault(entry) for entry in work.entries if not intents and entry.outcome not in verdict.GOOD],
        totals=dict(totals),
        rows=work,
        intents=intents,
    )


def _figures(sync: Sync, work: Work) -> dict[str, Total]:
    """The counters of S1-10. Patients that were changed count even where another patient of their row failed [X-09]."""
    outcomes = Counter(entry.outcome for entry in work.entries)
    updated = sum(entry.updated for entry in work.entries)
    return {
        "would_update" if sync.preview else "successful_updates": updated,
        "failed_updates": sum(len(entry.failures) for entry in work.entries),
        "patients_not_found": outcomes[verdict.NOT_FOUND],
        "invalid_phones": outcomes[verdict.INVALID_PHONE],
        "batches_processed": int(bool(work.entries)),
    }


def _fault(entry: Entry) -> Fault:
    return Fault(category=entry.outcome, reason=entry.reason or entry.outcome, reference=f"row {entry.row.number}")
