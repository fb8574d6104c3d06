"""What a chunk leaves behind for its commit, and the figures that it adds to the run."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from backoffice.runs.job import Fault, Result, Total
from clinic.models import ServiceWrite
from clinic.recovery import verdict
from clinic.recovery.scope import Recovery, Window
from clinic.recovery.unsupported import Unsupported
from clinic.recovery.verdict import Decision, Plan


@dataclass(kw_only=True, slots=True)
class Draft:
    """A write on its way. `row` is its intent, once that is committed."""

    plan: Plan
    window: int
    row: ServiceWrite | None = None

    @property
    def intent(self) -> ServiceWrite:
        """The row; a write without one must not be sent."""
        if self.row is None:
            raise RuntimeError("a write was to be sent before it was written down")
        return self.row


@dataclass(kw_only=True, slots=True)
class Work:
    """What is to be kept of a chunk.

    decided: by window, what counts as read here. late: what an earlier run had counted as failed. judged: the
    appointments whose billed services were looked at for support; `unsupported` is what was found. completes: the
    window that ends with it.
    """

    windows: dict[int, Window]
    decided: dict[int, list[Decision]] = field(default_factory=dict)
    late: list[Decision] = field(default_factory=list)
    writes: list[ServiceWrite] = field(default_factory=list)
    previews: list[ServiceWrite] = field(default_factory=list)
    unsupported: list[Unsupported] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)
    completes: int | None = None
    read_at: datetime

    def decide(self, window: int, decision: Decision) -> None:
        self.decided.setdefault(window, []).append(decision)

    @property
    def decisions(self) -> list[Decision]:
        return [one for decisions in self.decided.values() for one in decisions]


def result_of(
    recovery: Recovery, work: Work, intents: list[Draft], counted: Mapping[str, Total] | None = None
) -> Result:
    """The chunk's result as it stands, on top of what it has `counted`; whole once `intents` is empty."""
    decisions = work.decisions
    totals = dict(counted or {})
    add_up(totals, recovery.take_counts())
    if not intents:
        add_up(totals, figures(decisions))
        add_up(totals, {"unsupported": len(work.unsupported), "unknown_settled": len(work.late)})
    return Result(
        read=len(decisions),
        outcomes=Counter(one.outcome for one in decisions),
        failures=[_fault(one) for one in decisions if one.outcome in verdict.SHORT],
        totals=totals,
        rows=work,
        intents=intents,
    )


def add_up(totals: dict[str, Total], more: dict[str, Total]) -> None:
    for name, value in more.items():
        totals[name] = totals.get(name, 0) + value


def figures(decisions: list[Decision]) -> dict[str, Total]:
    """services and value written (in a preview: to be written), and what stays at stake after that."""
    written = [one for one in decisions if one.outcome in verdict.WRITTEN]
    short = [one for one in decisions if one.outcome in (*verdict.WRITTEN, verdict.FAILED)]
    return {
        "services": sum(len(one.services) for one in written),
        "value": sum((one.value for one in written), Decimal("0.00")),
        "at_stake": sum((one.at_stake for one in short if one.at_stake is not None), Decimal("0.00")),
        "at_stake_unknown": sum(one.at_stake is None for one in short),
    }


def _fault(decision: Decision) -> Fault:
    return Fault(
        category=decision.category,
        reason=decision.reasons,
        phase=decision.phase,
        reference=decision.appointment.id,
        detail=decision.detail,
        money=decision.at_stake,
    )
