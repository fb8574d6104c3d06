"""How often a step should commit: what a restart and what the commits cost at each frequency, from what was measured.

The night that counts is the one that has to restart, since it is the one that may miss 04:00. So the frequency is best
at which its commits and one restart, at its longest, come to the least time together [S2-09] [S2-40].
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Frequencies that are looked at, besides the present one: 100, 200, 500, 1,000 and so on.
SERIES = tuple(digit * 10**power for power in range(2, 6) for digit in (1, 2, 5))
# A change has to be worth it: a tenth of what commits and restart come to, and so many seconds.
LEAST_SHARE, LEAST_SECONDS = 0.1, 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A step of the last nights. Seconds are a worker's; `at_once` of them work, one for each part.

    `per_line`: seconds of a line without its checkpoint's. `per_checkpoint`: None while there was no way to tell.
    `alone`: whether they are those of the commits alone, the most that fewer of them can save. `restore_per_line`:
    seconds to put accumulators back, for each line of a checkpoint; None where nothing was put back yet.
    """

    step: str
    nights: int
    lines: int
    per_line: float
    per_checkpoint: float | None
    alone: bool
    restore_per_line: float | None
    restores: int
    at_once: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """A frequency in seconds of a night: `overhead` of its commits; `repeated` and `restore` are a restart's."""

    frequency: int
    commits: int
    overhead: float
    repeated: float
    restore: float

    @property
    def restart(self) -> float:
        return self.repeated + self.restore

    @property
    def together(self) -> float:
        return self.overhead + self.restart


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """`options` by frequency, the present one among them; none while nothing was measured. `best` may be the present
    one."""

    measured: Measured | None
    present: int
    options: Sequence[Option]
    best: Option | None

    @property
    def change(self) -> bool:
        return self.best is not None and self.best.frequency != self.present


def advise(measured: Measured | None, present: int) -> Advice:
    if measured is None or measured.per_checkpoint is None:
        return Advice(measured=measured, present=present, options=(), best=None)
    every = {frequency: option(measured, frequency) for frequency in {*SERIES, present}}
    now, least = every[present], min(every.values(), key=lambda each: (each.together, each.frequency))
    best = least if now.together - least.together > max(LEAST_SECONDS, LEAST_SHARE * now.together) else now
    below = max((frequency for frequency in every if frequency < present), default=present)
    above = min((frequency for frequency in every if frequency > present), default=present)
    shown = sorted({below, present, above, best.frequency})
    return Advice(measured=measured, present=present, options=[every[frequency] for frequency in shown], best=best)


def option(measured: Measured, frequency: int) -> Option:
    """At its longest a restart repeats a whole checkpoint; the parts that were in work repeat theirs at once."""
    per_checkpoint = measured.per_checkpoint or 0.0
    of_part = measured.lines / measured.at_once
    held = min(frequency, of_part)
    commits = math.ceil(of_part / frequency) * round(measured.at_once)
    return Option(
        frequency=frequency, commits=commits, overhead=commits * per_checkpoint / measured.at_once,
        repeated=held * measured.per_line + per_checkpoint, restore=held * (measured.restore_per_line or 0.0),
    )  # fmt: skip
