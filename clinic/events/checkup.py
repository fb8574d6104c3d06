"""The consumer of check-up events, which is off: it is seasonal, and stays visible with the day of its review."""

from datetime import date

from clinic.events.consumers import Consumer, Event


def note(event: Event) -> None:
    """Nothing but the inbox row: what it would do is decided at its review."""


CHECKUP = Consumer(
    name="checkup",
    title="Check-ups",
    types=("checkup.",),
    handle=note,
    replicas=0,
    review=date(2027, 2, 1),
)
