"""What the decision table says of one appointment: a Decision, or a Plan of what is to be written."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from backoffice.adapters.hospital_types import Appointment, Configuration

RECOVERED = "recovered"
PARTIALLY_RECOVERED = "partially_recovered"
ALREADY_BILLED = "already_billed"
NOTHING_TO_BILL = "nothing_to_bill"
NOT_BILLABLE = "not_billable"
DISMISSED = "dismissed"
FAILED = "failed"

OUTCOMES = (RECOVERED, PARTIALLY_RECOVERED, ALREADY_BILLED, NOTHING_TO_BILL, NOT_BILLABLE, DISMISSED, FAILED)
WRITTEN = (RECOVERED, PARTIALLY_RECOVERED)
# What an appointment is still short of is at stake, and has a reason.
SHORT = (PARTIALLY_RECOVERED, FAILED)
GAP_CLOSED = (ALREADY_BILLED, NOTHING_TO_BILL, NOT_BILLABLE)

# The order of row 9, and of what the hospital itself says of a block.
BLOCK_FAULTS = (
    "unknown_block",
    "retired_block",
    "block_not_valid_on_date",
    "case_type_not_allowed",
    "BLOCK_REJECTED",
    "BLOCK_NOT_VALID",
)


class Line(NamedTuple):
    """A due block of an appointment. `price` is None where the block has no record."""

    block: str
    quantity: int
    price: Decimal | None

    @property
    def worth(self) -> Decimal:
        return (self.price or Decimal(0)) * self.quantity


class Dropped(NamedTuple):
    """A due block that cannot be written, and why."""

    line: Line
    reason: str


class Destination(NamedTuple):
    """Where an appointment's services are billed to."""

    case_id: str
    case_closed: bool
    cost_center_id: str
    physician_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The outcome of one appointment, final in its run.

    services: written, or in a preview to be written. missing: due and not in the billing after that. at_stake: what the
    missing ones are worth, None where nobody can say. blocked_by: the one master record that holds it up, as kind:id.
    """

    appointment: Appointment
    outcome: str
    category: str = ""
    reasons: str = ""
    phase: str = "prepare"
    detail: str = ""
    services: tuple[Line, ...] = ()
    missing: tuple[Line, ...] = ()
    at_stake: Decimal | None = Decimal(0)
    blocked_by: str = ""
    configuration: Configuration | None = None

    @property
    def value(self) -> Decimal:
        return worth(self.services)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """An appointment that passed rows 1 to 10: `lines`, sorted by block, are to be written, `dropped` cannot be."""

    appointment: Appointment
    destination: Destination
    lines: tuple[Line, ...]
    dropped: tuple[Dropped, ...] = ()
    cancelled_sessions: tuple[str, ...] = ()
    configuration: Configuration | None = None

    def failed(self, category: str, reason: str, *, phase: str = "write") -> Decision:
        """Failed as a whole: nothing was written, all of it is at stake; what had been dropped goes into the detail."""
        lines = tuple(sorted((*self.lines, *(one.line for one in self.dropped))))
        return Decision(
            appointment=self.appointment, outcome=FAILED, category=category, reasons=reason, phase=phase,
            detail=spelled(self.dropped), missing=lines, at_stake=worth(lines),
            configuration=self.configuration,
        )  # fmt: skip

    def no_block_left(self, *, phase: str) -> Decision:
        """Row 10: every due block was dropped."""
        lines = tuple(one.line for one in self.dropped)
        return Decision(
            appointment=self.appointment, outcome=FAILED, category="service_block", reasons=spelled(self.dropped),
            phase=phase, missing=lines, at_stake=worth(lines), blocked_by=first_block(self.dropped),
            configuration=self.configuration,
        )  # fmt: skip

    def written(self) -> Decision:
        """Row 16: recovered, or partially when blocks were dropped."""
        lines = tuple(one.line for one in self.dropped)
        return Decision(
            appointment=self.appointment, outcome=PARTIALLY_RECOVERED if lines else RECOVERED,
            category="service_block" if lines else "", reasons=spelled(self.dropped), phase="write",
            services=self.lines, missing=lines, at_stake=worth(lines), blocked_by=first_block(self.dropped),
            configuration=self.configuration,
        )  # fmt: skip

    def already_billed(self) -> Decision:
        """Somebody has billed it since it was read."""
        return Decision(
            appointment=self.appointment, outcome=ALREADY_BILLED, phase="write", configuration=self.configuration
        )

    def without(self, dropped: Iterable[Dropped], already: Iterable[str]) -> "Plan":
        """The same without the blocks that the hospital refused, and without those that it has billed already."""
        more = tuple(dropped)
        gone = {one.line.block for one in more} | set(already)
        left = tuple(line for line in self.lines if line.block not in gone)
        return replace(self, lines=left, dropped=tuple(sorted((*self.dropped, *more))))


def worth(lines: Iterable[Line]) -> Decimal:
    """Σ price · quantity of those that have a price."""
    return sum((line.worth for line in lines), Decimal(0))


def spelled(dropped: Iterable[Dropped]) -> str:
    """CODE:reason, joined by ";" in alphabetical order."""
    return ";".join(sorted(f"{one.line.block}:{one.reason}" for one in dropped))


def quantities(lines: Iterable[Line]) -> str:
    """CODExQUANTITY sorted by code, joined by ";"."""
    return ";".join(f"{line.block}x{line.quantity}" for line in sorted(lines))


def first_block(dropped: Iterable[Dropped]) -> str:
    """The block that holds it up; of several the first by row 9's order, then by code, so that it is counted once."""
    ranked = sorted((BLOCK_FAULTS.index(one.reason), one.line.block) for one in dropped)
    return f"block:{ranked[0][1]}" if ranked else ""
