"""The events: what waits for the publisher and for each consumer, and what was given up."""

from collections.abc import Iterator

from django.db.models import Count
from prometheus_client.metrics_core import Metric

from backoffice.monitor.families import age, gauge
from clinic.events.models import DeadLetter, Outbox
from clinic.events.standing import standings


def outbox() -> Iterator[Metric]:
    """Recorded and not published."""
    waiting = Outbox.objects.filter(published_at=None)
    first = waiting.order_by("pk").values_list("recorded_at", flat=True).first()
    yield gauge("outbox_unpublished", "Events that wait for the publisher.", (), [((), waiting.order_by().count())])
    yield gauge("outbox_oldest_seconds", "Age of the oldest event that is not published.", (), [((), age(first))])


def consumers() -> Iterator[Metric]:
    """Of each consumer over all regions. Replicas are left out while the queue's server does not answer."""
    all_of_them = standings(None)
    on = [each for each in all_of_them if each.consumer.on]
    label = ("consumer",)
    yield gauge(
        "consumer_lag_events", "Events that the consumer is not done with, counted to 10,000.", label,
        [((each.consumer.name,), each.lag) for each in on],
    )  # fmt: skip
    yield gauge(
        "consumer_oldest_event_seconds", "Age of the oldest of them.", label,
        [((each.consumer.name,), age(each.oldest)) for each in on],
    )  # fmt: skip
    yield gauge(
        "consumer_replicas", "Replicas heard of within a minute.", label,
        [((each.consumer.name,), each.alive) for each in all_of_them if each.alive is not None],
    )  # fmt: skip
    yield gauge(
        "consumer_replicas_wanted", "Replicas that are meant to run; 0: it is off.", label,
        [((each.consumer.name,), each.consumer.replicas) for each in all_of_them],
    )  # fmt: skip


def dead_letters() -> Iterator[Metric]:
    """What a consumer has given up, until a person decides."""
    dead = DeadLetter.objects.filter(state=DeadLetter.State.DEAD).order_by()
    counts = dead.values_list("consumer", "region__name").annotate(number=Count("pk"))
    rows = [((consumer, region), number) for consumer, region, number in counts]
    yield gauge("dead_letters", "Events that were given up.", ("consumer", "region"), rows)
