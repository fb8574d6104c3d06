"""How a lab order stands by all that was told of its samples, and what that means for its appointment. Pure.

Whatever the order in which events came, and however often, the same events make the same state: what was done late is
not undone by what is told late. A rejection undoes what happened to the sample up to it, and nothing else goes back.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from clinic.booking.models import LabOrder
from clinic.booking.states import EXPECTED, State

Lab = LabOrder.State
# How far a sample comes, from one to the next.
FAR = (Lab.COLLECTED, Lab.RECEIVED, Lab.PRELIMINARY, Lab.RESULTED)
# How far a visit comes.
WAY = (State.ARRIVED, State.SAMPLE_COLLECTED, State.IN_PROGRESS, State.COMPLETED)
MEANS = {
    Lab.REJECTED: State.ARRIVED, Lab.COLLECTED: State.SAMPLE_COLLECTED, Lab.RECEIVED: State.IN_PROGRESS,
    Lab.PRELIMINARY: State.IN_PROGRESS, Lab.RESULTED: State.IN_PROGRESS,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One event of a sample; `specimen` empty and `at` None: the laboratory has not said."""

    kind: str
    specimen: str = ""
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """LabOrder's `state` and `reached`."""

    state: str
    reached: str


def standing_of(said: Collection[Said]) -> Standing:
    """How the order stands: a result stays one; else it is cancelled once that was said; else as far as its samples."""
    reached = _reached(said)
    cancelled = reached != Lab.RESULTED and any(one.kind == Lab.CANCELLED for one in said)
    return Standing(state=Lab.CANCELLED if cancelled else reached, reached=reached)


def far(reached: str) -> int:
    """How far the samples of an order are, as a number that grows with it; rejected is no further than ordered."""
    return FAR.index(Lab(reached)) + 1 if reached in FAR else 0


def _reached(said: Collection[Said]) -> str:
    rejections = [one for one in said if one.kind == Lab.REJECTED]
    kinds = {one.kind for one in said if one.kind in FAR and not any(_undone(one, by) for by in rejections)}
    if any(one.kind == Lab.RESULTED for one in said):
        return Lab.RESULTED
    if kinds:
        return max(kinds, key=far)
    return Lab.REJECTED if rejections else Lab.ORDERED


def _undone(one: Said, by: Said) -> bool:
    """By the clock; where one of them has no time, unless they are of two specimens."""
    if one.at is not None and by.at is not None:
        return one.at <= by.at
    return not (one.specimen and by.specimen and one.specimen != by.specimen)


def meant_for(orders: Iterable[Standing]) -> State | None:
    """Where an appointment with these orders is to be; None: they say nothing of it.

    One to be collected again keeps it at arrived; all with their results complete it. What is cancelled waits for
    nothing, but what was done for it was done.
    """
    orders = list(orders)
    open_ones = [one.reached for one in orders if one.state != Lab.CANCELLED]
    if Lab.REJECTED in open_ones:
        return State.ARRIVED
    if open_ones and all(reached == Lab.RESULTED for reached in open_ones):
        return State.COMPLETED
    states = [MEANS[Lab(one.reached)] for one in orders if one.reached in MEANS]
    return max(states, key=WAY.index, default=None)


def steps(now: str, meant: State | None, *, lowered: bool) -> tuple[State, ...]:
    """The moves from where the appointment is to where it is meant to be, those between included.

    Back it goes only where a rejection has `lowered` what its order had reached, and not from completed or cancelled.
    """
    if meant is None:
        return ()
    if now in EXPECTED or now == State.MISSED:
        return WAY[: WAY.index(meant) + 1]
    if now not in WAY or now == State.COMPLETED:
        return ()
    here, there = WAY.index(State(now)), WAY.index(meant)
    if there < here:
        return (meant,) if lowered else ()
    return WAY[here + 1 : there + 1]
