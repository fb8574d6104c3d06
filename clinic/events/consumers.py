"""The registries: consumers by name, and what a published event sets off. Filled by apps in AppConfig.ready."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from backoffice.runs.faults import Misuse

# The publisher's own name among consumers, for the events whose triggers fail.
PUBLISHER = "publish-events"


class EventRefused(Exception):
    """A handler cannot do anything with this event; `reason` is a coded word of ours, never data of a patient."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """An event as handlers see it. `number` is the outbox row's; `sequence` counts the events of its subject from 1."""

    id: uuid.UUID
    number: int
    region_id: int
    type: str
    subject: str
    sequence: int
    data: Mapping[str, Any]
    trace: str
    recorded_at: datetime


Handler = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Consumer:
    """One consumer. `types` are beginnings of event types; `replicas` is how many are meant to run, 0: it is off.

    `handle` runs in the transaction that notes the event as handled: its effect is all of the database, and what it
    enqueues it enqueues on commit or under an id of the event's. What it raises is tried again, then a dead letter.
    `review`: when somebody is to decide whether a consumer that is off is still wanted.
    """

    name: str
    title: str
    types: tuple[str, ...]
    handle: Handler
    replicas: int = 1
    review: date | None = None

    @property
    def on(self) -> bool:
        return self.replicas > 0

    def wants(self, type: str) -> bool:
        return type.startswith(self.types)

    def of_types(self) -> Q:
        """The outbox rows that are its own."""
        return reduce(or_, (Q(type__startswith=beginning) for beginning in self.types), Q(pk__in=()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A job that an event calls for: `function` by its dotted path with one argument, an id of ours."""

    queue: str
    function: str
    argument: int


# What a published event sets off. It may read the database and must not write: it is asked again after a crash.
Trigger = Callable[[Event], Iterable[Call]]

_consumers: dict[str, Consumer] = {}
_triggers: list[tuple[str, Trigger]] = []


def register_consumer(consumer: Consumer) -> None:
    """Make it known by its name; ValueError when another has it."""
    if _consumers.get(consumer.name, consumer) is not consumer or consumer.name == PUBLISHER:
        raise ValueError(f"There is a consumer {consumer.name} already.")
    _consumers[consumer.name] = consumer


def register_trigger(beginning: str, trigger: Trigger) -> None:
    """Ask `trigger` for the jobs of each event whose type has this beginning, as it is published."""
    if (beginning, trigger) not in _triggers:
        _triggers.append((beginning, trigger))


def consumers() -> list[Consumer]:
    """All of them, by name."""
    return [_consumers[name] for name in sorted(_consumers)]


def consumer_named(name: str) -> Consumer:
    """Misuse lists the names when there is none such."""
    if name not in _consumers:
        raise Misuse(f"No consumer is called {name!r}. Consumers: {', '.join(sorted(_consumers))}.")
    return _consumers[name]


def sets_off(kind: str) -> bool:
    """Whether events of this type have a trigger."""
    return any(kind.startswith(beginning) for beginning, _ in _triggers)


def calls_of(event: Event) -> Iterator[Call]:
    """The jobs that the event calls for."""
    for beginning, trigger in _triggers:
        if event.type.startswith(beginning):
            yield from trigger(event)
