"""A consumer whose effect is a row in a table of its own, a trigger, and the jobs that it calls for."""

from collections.abc import Iterator

from django.db import connection, transaction

from clinic.events.consumers import Call, Consumer, Event, EventRefused, register_consumer, register_trigger
from clinic.events.outbox import record
from regions.models import Region

# The effect of no event: poison is cured while it is there.
CURE = 0
COLUMNS = "event bigint NOT NULL, subject text NOT NULL, sequence bigint NOT NULL"


def make_table() -> None:
    key = "bigserial" if connection.vendor == "postgresql" else "integer"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE toy_effects (id {key} PRIMARY KEY, {COLUMNS})")


def drop_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE toy_effects")


def handle(event: Event) -> None:
    """Poison is refused until it is cured, "broken" raises what names a patient."""
    if event.data.get("poison") and not effects(event=CURE):
        raise EventRefused("poisoned")
    if event.data.get("broken") and not effects(event=CURE):
        raise ValueError("Mrs Example, born 1970-01-01")
    note(event.number, event.subject, event.sequence)


def note(event: int, subject: str = "", sequence: int = 0) -> None:
    with connection.cursor() as cursor:
        values: list[int | str] = [event, subject, sequence]
        cursor.execute("INSERT INTO toy_effects (event, subject, sequence) VALUES (%s, %s, %s)", values)


def effects(event: int | None = None) -> list[tuple[int, str, int]]:
    """(event, subject, sequence) in the order in which they came, without the cure; or those of one event."""
    which = "event = %s" if event is not None else "event <> %s"
    with connection.cursor() as cursor:
        values: list[int] = [CURE if event is None else event]
        cursor.execute(f"SELECT event, subject, sequence FROM toy_effects WHERE {which} ORDER BY id", values)
        return [(int(number), str(subject), int(sequence)) for number, subject, sequence in cursor.fetchall()]


def happen(region: Region, *subjects: str, kind: str = "toy.done", **data: object) -> list[Event]:
    """Record an event of each subject, in one transaction."""
    with transaction.atomic():
        return [record(region, kind, subject, data) for subject in subjects]


def call(event: Event) -> Iterator[Call]:
    """A job for each event that asks for one."""
    if event.data.get("broken_trigger") and not effects(event=CURE):
        raise ValueError("Mrs Example")
    if event.data.get("job"):
        yield Call(queue="low", function="tests.events.toy.job", argument=event.number)


def job(number: int) -> None:
    """What the trigger calls for."""


TOY = Consumer(name="toy", title="Toy", types=("toy.",), handle=handle)
OFF = Consumer(name="toy-off", title="Toy that is off", types=("toy.",), handle=handle, replicas=0)


def register() -> None:
    register_consumer(TOY)
    register_consumer(OFF)
    register_trigger("toy.", call)
