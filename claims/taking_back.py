"""Taking one night back, and freeing its date where that is asked for. A job, for it deletes rows by the million: it is
watched, and goes on after a crash, as any other."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

from backoffice.runs.faults import ConfigError, Misuse
from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.models import StepPart
from claims import again
from claims.models import Night
from claims.pipeline.restage import release

UNDONE, RELEASED = "undone", "released"


def chunks(part: StepPart, checkpoint: Json | None) -> Iterator[Chunk]:
    """The night, once; None where an attempt that died had taken it off the calendar already."""
    if checkpoint is None:
        run_date = date.fromisoformat(part.run.parameters["run_date"])
        night = again.nights_between(part.run.region_id, run_date, run_date).first()
        yield Chunk(data=night, checkpoint={"done": True}, done=1, of=1, label=f"night of {run_date}")


def take_back(part: StepPart, chunk: Chunk) -> Result:
    """Each half may be repeated: a night that is undone stays so, one that is gone is not looked for."""
    night: Night | None = chunk.data
    outcome = RELEASED if part.run.parameters["release"] else UNDONE
    lines = 0
    if night is not None:
        again.undo(part, chunk)
        lines = _release(night) if outcome == RELEASED else again.lines_of(night)
    return Result(read=1, outcomes=Counter({outcome: 1}), totals={"lines": lines})


def _release(night: Night) -> int:
    try:
        return release(night)
    except Misuse as refusal:
        raise ConfigError(str(refusal)) from None
