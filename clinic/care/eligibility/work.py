"""What a chunk of a check carries from phase to phase, and the figures that it adds to the run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from backoffice.adapters.eligibility import Checked, NoFunds, NotAsked, Pending, Processed, Rejected, Unknown
from backoffice.runs.job import Fault, Result
from clinic.care.models import EligibilityInformation, EligibilityReport

PROCESSED, REJECTED, PENDING, UNKNOWN = "processed", "rejected", "pending", "unknown"
NOT_ASKED, NO_FUNDS, REPORTED, UNDECIDED, CAPPED = "not_asked", "no_funds", "already_reported", "undecided", "capped"
REMOVED = "removed"  # with the patient, or inactive, since the chunk was read
INCOMPLETE = "incomplete"  # no payer finds a patient by what is known
OUTCOMES = (
    PROCESSED, REJECTED, PENDING, UNKNOWN, NOT_ASKED, NO_FUNDS, REPORTED, UNDECIDED, CAPPED, REMOVED, INCOMPLETE,
)  # fmt: skip
# What a payer has to be told, and the reason where it is not known.
NEEDED = {"birth_date": "no_birth_date", "family_name": "no_family_name"}
# By the class of what came back: (outcome, category of the failure; "" where it is none).
CAME: dict[type, tuple[str, str]] = {
    Processed: (PROCESSED, ""),
    Rejected: (REJECTED, "rejected"),
    Pending: (PENDING, ""),
    Unknown: (UNKNOWN, "transient"),
    NotAsked: (NOT_ASKED, "transient"),
    NoFunds: (NO_FUNDS, "no_funds"),
}


@dataclass(kw_only=True, slots=True)
class Item:
    """One active record; `outcome` is "" until it is known, `checked` what pVerify has said. `listed`: whether what it
    lacks stands among the failures already."""

    information: EligibilityInformation
    report: EligibilityReport | None = None
    outcome: str = ""
    checked: Checked | None = None
    listed: bool = False

    @property
    def lacks(self) -> str:
        """The reasons for which no payer is asked, joined by ";"; empty where one can be."""
        patient = self.information.patient
        return ";".join(reason for name, reason in NEEDED.items() if not str(getattr(patient, name)).strip())

    def came(self, checked: Checked) -> None:
        self.checked, self.outcome = checked, CAME[type(checked)][0]


@dataclass(kw_only=True, slots=True)
class Work:
    """A chunk: its items, and reports that an earlier attempt left being asked."""

    items: list[Item] = field(default_factory=list)
    left: list[EligibilityReport] = field(default_factory=list)


def result_of(items: Sequence[Item], intents: Sequence[Item] = ()) -> Result:
    """The chunk's result; whole once nothing of it is left to be asked."""
    if intents:
        return Result(read=0, rows=Work(items=list(items)), intents=intents)
    return Result(
        read=len(items),
        outcomes=Counter(item.outcome for item in items),
        failures=[fault for item in items if (fault := _fault(item)) is not None],
        rows=Work(items=list(items)),
    )


def _fault(item: Item) -> Fault | None:
    """Codes alone: what a payer writes may name the patient."""
    if item.outcome == CAPPED:
        return Fault(category=CAPPED, reason="cap_reached", reference=reference_of(item))
    if item.outcome == INCOMPLETE:
        return None if item.listed else Fault(category="input", reason=item.lacks, reference=reference_of(item))
    category = CAME[type(item.checked)][1] if item.checked is not None else ""
    if not category:
        return None
    code = getattr(item.checked, "code", "")
    reason = f"code_{code}" if isinstance(code, int) else code
    return Fault(category=category, reason=reason or category, phase="act", reference=reference_of(item))


def reference_of(item: Item) -> str:
    return f"eligibility information {item.information.pk}"
