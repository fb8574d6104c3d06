"""What a restart makes of each step of a chain, before it does it: control.restart_run goes by it, pages show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from backoffice.runs.models import StepState, StepStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Reopening:
    """A step of a restart. `undo`: it begins anew, what it wrote is undone. `again`: its restart count grows.

    `changed`: {predecessor: (restart count that the step saw when it began, the one it has by now)}, where they differ.
    """

    state: StepState
    undo: bool
    again: bool
    changed: dict[str, tuple[int, int]]


def reopening(states: Sequence[StepState], from_step: str = "") -> list[Reopening]:
    """An unfinished step goes on; one whose predecessors were restarted since, or that is at or after `from_step`,
    begins anew together with all later ones [S2-12] [S2-13] [S2-20]. `states`: all steps of the chain, in order."""
    counts: dict[str, int] = {}
    undo = False
    found = []
    for state in states:
        began = state.started_at is not None
        changed = {
            name: (state.predecessors.get(name, 0), count)
            for name, count in counts.items()
            if began and state.predecessors.get(name) != count
        }
        undo = undo or state.name == from_step or (began and state.predecessors != counts)
        again = began and (undo or state.status != StepStatus.COMPLETE)
        counts[state.name] = state.restart_count + again
        found.append(Reopening(state=state, undo=undo and began, again=again, changed=changed))
    return found
