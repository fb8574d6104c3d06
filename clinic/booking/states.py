"""The states of an appointment, and the one table that says which moves between them are allowed."""

from django.db import models


class State(models.TextChoices):
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    ARRIVED = "arrived"
    SAMPLE_COLLECTED = "sample_collected", "sample collected"
    IN_PROGRESS = "in_progress", "in progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    MISSED = "missed"
    RESCHEDULED = "rescheduled"


# Booked at another time than at first, `rescheduled` goes on as `booked` does. Back to `arrived`: the sample was
# rejected and is collected once more. From `missed`: the patient came after all, or gets another time.
MOVES: dict[str, frozenset[str]] = {
    State.BOOKED: frozenset({State.CONFIRMED, State.ARRIVED, State.RESCHEDULED, State.CANCELLED, State.MISSED}),
    State.CONFIRMED: frozenset({State.ARRIVED, State.RESCHEDULED, State.CANCELLED, State.MISSED}),
    State.RESCHEDULED: frozenset({State.CONFIRMED, State.ARRIVED, State.RESCHEDULED, State.CANCELLED, State.MISSED}),
    State.ARRIVED: frozenset({State.SAMPLE_COLLECTED, State.IN_PROGRESS, State.CANCELLED}),
    State.SAMPLE_COLLECTED: frozenset({State.IN_PROGRESS, State.ARRIVED, State.CANCELLED}),
    State.IN_PROGRESS: frozenset({State.COMPLETED, State.SAMPLE_COLLECTED, State.ARRIVED}),
    State.MISSED: frozenset({State.ARRIVED, State.RESCHEDULED, State.CANCELLED}),
    State.COMPLETED: frozenset(),
    State.CANCELLED: frozenset(),
}

# Before the patient came: the time may still be given away, or given up.
EXPECTED = (State.BOOKED, State.CONFIRMED, State.RESCHEDULED)
# Moves that are more than a new state: booking and rescheduling take time, cancelling gives it back.
BY_OWN_VERB = frozenset({State.BOOKED, State.RESCHEDULED, State.CANCELLED})
# Whom nothing holds at this state: the cells of all other states are kept.
FREES = frozenset({State.CANCELLED})
# The patient is there then, or is expected: no other visit of the same patient may lie in that time.
ATTENDED = tuple(each for each in State if each not in (State.CANCELLED, State.MISSED))


def next_states(state: str) -> list[str]:
    """What may follow, in the order in which a visit goes."""
    return [each for each in State.values if each in MOVES[state]]
