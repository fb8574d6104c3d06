"""What can be the matter with a generated appointment: every row of recovery.md's decision table, and its traps."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from backoffice.sandbox.hospital import catalogue
from backoffice.sandbox.hospital.catalogue import VisitType

Service = tuple[str, int, str]


@dataclass
class Draft:
    """An appointment before it is written. It begins as a finished visit that nobody has billed."""

    visit: VisitType
    department: str | None
    patient: str | None
    practitioner: str | None
    status: str = "FINISHED"
    type_code: str | None = None
    end: str = "later"  # later | same | before | none
    case: str = "open"  # open | closed | unknown | none
    activities: list[tuple[str, int]] = field(default_factory=list)
    sessions: list[list[Service]] = field(default_factory=list)

    def perform(self, activity: str, quantity: int = 1) -> None:
        """Add an activity; the same one again is a row of its own."""
        self.activities.append((activity, quantity))

    def due(self) -> dict[str, int]:
        """Quantity per block as the visit's rules ask for it."""
        due = Counter(dict.fromkeys(self.visit.always, 1))
        for activity, quantity in self.activities:
            due.update(dict.fromkeys(self.visit.performed.get(activity, ()), quantity))
        return dict(due)

    def bill(self, services: dict[str, int], status: str = "BILLED") -> None:
        """Add a session."""
        self.sessions.append([(block, quantity, status) for block, quantity in services.items()])


def _billed(draft: Draft, random: Random) -> None:
    draft.bill(draft.due())


def _unbilled(draft: Draft, random: Random) -> None:
    pass


def _partly_billed(draft: Draft, random: Random) -> None:
    _at_least_two_due(draft, random)
    due = draft.due()
    left_out = random.choice(sorted(due))
    draft.bill({block: quantity for block, quantity in due.items() if block != left_out})


def _billed_in_other_quantity(draft: Draft, random: Random) -> None:
    draft.bill({block: quantity + 1 for block, quantity in draft.due().items()})


def _quantity_above_one(draft: Draft, random: Random) -> None:
    draft.perform(random.choice(sorted(draft.visit.performed)), random.randint(2, 4))


def _repeated_activity(draft: Draft, random: Random) -> None:
    activity = random.choice(sorted(draft.visit.performed))
    draft.perform(activity)
    draft.perform(activity, random.randint(1, 2))


def _repeated_rule(draft: Draft, random: Random) -> None:
    """Two rules ask for the same block: an ECG of its own, and the one of the stress test."""
    draft.visit = next(visit for visit in catalogue.ORDINARY if visit.code == "CARD-NEW")
    draft.activities = [("ECG", 1), ("STRESS", 1)]


def _cancelled_session(draft: Draft, random: Random) -> None:
    draft.bill(draft.due(), "CANCELLED")


def _cancelled_and_billed_again(draft: Draft, random: Random) -> None:
    draft.bill(draft.due(), "CANCELLED")
    draft.bill(draft.due())


def _one_service_cancelled(draft: Draft, random: Random) -> None:
    _at_least_two_due(draft, random)
    first, *others = draft.due().items()
    draft.sessions.append([(*first, "CANCELLED"), *((block, quantity, "BILLED") for block, quantity in others)])


def _unsupported_service(draft: Draft, random: Random) -> None:
    supported = {*draft.visit.always, *(block for blocks in draft.visit.performed.values() for block in blocks)}
    stranger = random.choice([block for block in ("L-LIPID", "X-VACC", "T-MANUAL") if block not in supported])
    draft.bill({**draft.due(), stranger: 1})


def _not_performed_service(draft: Draft, random: Random) -> None:
    """Billed by a rule whose activity did not take place."""
    activity = min(draft.visit.performed)
    draft.activities = [one for one in draft.activities if one[0] != activity]
    draft.bill({**dict.fromkeys(draft.visit.performed[activity], 1), **draft.due()})


def _booked(draft: Draft, random: Random) -> None:
    draft.status, draft.activities = "BOOKED", []


def _cancelled(draft: Draft, random: Random) -> None:
    draft.status, draft.activities = "CANCELLED", []


def _no_show(draft: Draft, random: Random) -> None:
    draft.status, draft.activities = "NOSHOW", []


def _end_missing(draft: Draft, random: Random) -> None:
    draft.end = "none"


def _end_equals_start(draft: Draft, random: Random) -> None:
    draft.end = "same"


def _no_patient_no_practitioner(draft: Draft, random: Random) -> None:
    draft.patient = draft.practitioner = None


def _missing_type(draft: Draft, random: Random) -> None:
    draft.type_code = ""


def _missing_department(draft: Draft, random: Random) -> None:
    draft.department = None


def _missing_case(draft: Draft, random: Random) -> None:
    draft.case = "none"


def _ends_before_start(draft: Draft, random: Random) -> None:
    draft.end = "before"


def _several_missing(draft: Draft, random: Random) -> None:
    draft.department, draft.case, draft.end = None, "none", "before"


def _no_configuration(draft: Draft, random: Random) -> None:
    draft.type_code, draft.activities = catalogue.UNCONFIGURED, []


def _nothing_to_bill(draft: Draft, random: Random) -> None:
    draft.visit, draft.activities = catalogue.LABORATORY, []


def _no_cost_center(draft: Draft, random: Random) -> None:
    draft.department = catalogue.NO_COST_CENTER


def _inactive_cost_center(draft: Draft, random: Random) -> None:
    draft.department = catalogue.INACTIVE_COST_CENTER


def _no_physician(draft: Draft, random: Random) -> None:
    draft.department = catalogue.NO_PHYSICIAN


def _unknown_case(draft: Draft, random: Random) -> None:
    draft.case = "unknown"


def _closed_case(draft: Draft, random: Random) -> None:
    draft.case = "closed"


def _unknown_block(draft: Draft, random: Random) -> None:
    draft.visit, draft.activities = catalogue.LASER, [("LASER-2", 1)]


def _retired_block(draft: Draft, random: Random) -> None:
    draft.visit, draft.activities = catalogue.LASER, [("ULTRASOUND", 1)]


def _two_dropped_blocks(draft: Draft, random: Random) -> None:
    draft.visit, draft.activities = catalogue.LASER, [("ULTRASOUND", 1), ("LASER-2", 2)]


def _block_not_valid_on_date(draft: Draft, random: Random) -> None:
    draft.visit, draft.activities = catalogue.WOUND, [("VACUUM", 1), ("DRESSING", 1)]


def _case_type_not_allowed(draft: Draft, random: Random) -> None:
    draft.visit, draft.activities = catalogue.INFUSION, [("MONITOR", 3)]


def _no_block_left(draft: Draft, random: Random) -> None:
    draft.visit, draft.activities = catalogue.ACUPUNCTURE, []


def _at_least_two_due(draft: Draft, random: Random) -> None:
    if len(draft.due()) < 2:
        draft.perform(random.choice(sorted(draft.visit.performed)))


Situation = Callable[[Draft, Random], None]
# Weights in parts per thousand: most visits are billed, some were forgotten, a few are in trouble.
SITUATIONS: Final[tuple[tuple[Situation, int], ...]] = (
    (_billed, 476),
    (_unbilled, 160),
    (_partly_billed, 50),
    (_billed_in_other_quantity, 10),
    (_quantity_above_one, 30),
    (_repeated_activity, 20),
    (_repeated_rule, 6),
    (_cancelled_session, 12),
    (_cancelled_and_billed_again, 6),
    (_one_service_cancelled, 6),
    (_unsupported_service, 8),
    (_not_performed_service, 6),
    (_booked, 8),
    (_cancelled, 30),
    (_no_show, 22),
    (_end_missing, 6),
    (_end_equals_start, 6),
    (_no_patient_no_practitioner, 3),
    (_missing_type, 4),
    (_missing_department, 5),
    (_missing_case, 6),
    (_ends_before_start, 5),
    (_several_missing, 2),
    (_no_configuration, 8),
    (_nothing_to_bill, 12),
    (_no_cost_center, 16),
    (_inactive_cost_center, 8),
    (_no_physician, 12),
    (_unknown_case, 5),
    (_closed_case, 8),
    (_unknown_block, 8),
    (_retired_block, 8),
    (_two_dropped_blocks, 4),
    (_block_not_valid_on_date, 8),
    (_case_type_not_allowed, 8),
    (_no_block_left, 8),
)
