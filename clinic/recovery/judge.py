"""The lookups of a chunk: each appointment is decided in a thread as its page is read, ahead of its turn."""

from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TypeVar

from backoffice.adapters.hospital_types import (
    Appointment,
    Block,
    Case,
    Configuration,
    CostCenter,
    HospitalUnavailable,
    Physician,
)
from backoffice.runs.job import Chunk, Fault, Json
from backoffice.runs.kernel import each
from clinic.recovery import verdict, windows
from clinic.recovery.decide import LookupFailed, decide
from clinic.recovery.scope import Recovery, refusal_ends_the_run
from clinic.recovery.unsupported import Unsupported, unsupported
from clinic.recovery.verdict import Decision, Plan
from clinic.recovery.windows import Reading, SessionsById

Answer = TypeVar("Answer")
Verdict = Decision | Plan
Judgement = tuple[Verdict, list[Unsupported] | None]  # the second: what is billed without support, None if unknown

# Beyond these no hospital bills and no money column holds the sum: a slip of the keyboard, not a service.
MOST_MONEY = Decimal(10) ** 11
MOST_QUANTITY = 2**31 - 1

PAGES_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """A page, and what the table says of each of its appointments, as far as our own rows have no say in it."""

    reading: Reading
    judgements: list[Judgement | Fault]


def chunks(recovery: Recovery, checkpoint: Json | None) -> Iterator[Chunk]:
    """The pages, judged. Those of windows are read and judged ahead, while the page before is written and committed.

    At concurrency 1 nothing runs beside anything; single appointments are found by our own rows, which no thread reads.
    """
    judged = _judged(recovery, windows.chunks(recovery, checkpoint))
    return judged if recovery.concurrency == 1 or "only" in recovery.parameters else _ahead(recovery, judged)


def _judged(recovery: Recovery, pages: Iterator[Chunk]) -> Iterator[Chunk]:
    for page in pages:
        reading: Reading = page.data
        judge = partial(_judge, recovery, reading.sessions)
        yield replace(page, data=Judged(reading, each(judge, reading.appointments, concurrency=recovery.concurrency)))


def _judge(recovery: Recovery, sessions: SessionsById | None, appointment: Appointment) -> Judgement:
    """One appointment, in a thread."""
    of_visit = None if sessions is None else sessions[appointment.id]
    with recovery.slots:
        found = decide(appointment, of_visit, RunMasters(recovery))
    return plausible(found), unsupported(appointment, of_visit or (), found.configuration)


def _ahead(recovery: Recovery, pages: Iterator[Chunk]) -> Iterator[Chunk]:
    """The same pages, up to PAGES_AHEAD of them made in a thread beforehand; what making one raises is raised there.

    Both sides take the run's slots, so that no more of them reach the hospital at once than the region allows.
    """

    def following() -> Chunk | None:
        return next(pages, None)

    upcoming = deque(recovery.ahead.submit(copy_context().run, following) for _ in range(PAGES_AHEAD))
    while (page := upcoming.popleft().result()) is not None:
        upcoming.append(recovery.ahead.submit(copy_context().run, following))
        yield page


@dataclass(frozen=True, slots=True)
class RunMasters:
    """The run's cached lookups as the decision table asks them."""

    recovery: Recovery

    def configuration(self, type_code: str) -> Configuration | None:
        return self._ask("configuration", self.recovery.lookups.configuration, type_code)

    def cost_center(self, department_id: str) -> CostCenter | None:
        return self._ask("cost_center", self.recovery.lookups.cost_center, department_id)

    def physician(self, department_id: str) -> Physician | None:
        return self._ask("physician", self.recovery.lookups.physician, department_id)

    def case(self, case_id: str) -> Case | None:
        return self._ask("case", self.recovery.lookups.case, case_id)

    def block(self, code: str) -> Block | None:
        return self._ask("block", self.recovery.lookups.block, code)

    def _ask(self, kind: str, lookup: Callable[[str], Answer], key: str) -> Answer:
        try:
            with refusal_ends_the_run():
                return lookup(key)
        except HospitalUnavailable:
            raise LookupFailed(kind) from None


def plausible(found: Verdict) -> Verdict:
    """Row 2 for what the table does not foresee: quantities that no visit has."""
    lines = found.missing if isinstance(found, Decision) else (*found.lines, *(one.line for one in found.dropped))
    if verdict.worth(lines) < MOST_MONEY and all(line.quantity <= MOST_QUANTITY for line in lines):
        return found
    return Decision(
        appointment=found.appointment, outcome=verdict.FAILED, category="appointment_data",
        reasons="implausible_quantity", at_stake=None, configuration=found.configuration,
    )  # fmt: skip
