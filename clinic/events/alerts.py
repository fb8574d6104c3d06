"""What may be wrong with the events, for backoffice.runs.alerts: they wait, they are dead, a review is due."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from backoffice.formats import count, duration
from backoffice.runs.alerts import Wrong
from clinic.events.consumers import PUBLISHER, consumers
from clinic.events.models import DeadLetter, Outbox
from clinic.events.standing import standing_of
from regions.models import Region

LATE = timedelta(minutes=10)


def waiting_events() -> Iterator[Wrong]:
    """Events that nobody publishes, or that a consumer that is on has not handled in time."""
    now = timezone.now()
    first = Outbox.objects.filter(published_at=None).order_by("pk").values_list("recorded_at", flat=True).first()
    if first is not None and now - first > LATE:
        yield Wrong(
            kind="events",
            key=PUBLISHER,
            message=f"Events wait for publish_events since {duration((now - first).total_seconds())}. Start it.",
        )
    for standing in (standing_of(consumer, None, None) for consumer in consumers() if consumer.on):
        if standing.oldest is not None and now - standing.oldest > LATE:
            waits = duration((now - standing.oldest).total_seconds())
            yield Wrong(
                kind="events",
                key=standing.consumer.name,
                message=f"{count(standing.lag, 'event')} for {standing.consumer.name}, the oldest since {waits}."
                " The page Consumers says whether a replica runs.",
            )


def dead_letters() -> Iterator[Wrong]:
    """Events that a consumer has given up, by region."""
    dead = DeadLetter.objects.filter(state=DeadLetter.State.DEAD).order_by()
    counts = dead.values_list("region", "consumer").annotate(number=Count("pk"))
    regions = Region.objects.in_bulk([region for region, _, _ in counts])
    for region, consumer, number in counts:
        yield Wrong(
            kind="dead_letters",
            key=f"{consumer}/{regions[region].name}",
            message=f"{count(number, 'event')} for {consumer} failed too often. The page Dead letters replays them.",
            region=regions[region],
        )


def reviews_due() -> Iterator[Wrong]:
    """Consumers that are off, and the day on which somebody was to decide about them."""
    for standing in (standing_of(consumer, None, None) for consumer in consumers() if not consumer.on):
        if standing.review_is_due:
            yield Wrong(
                kind="review",
                key=standing.consumer.name,
                message=f"The consumer {standing.consumer.name} is off, and was to be reviewed by"
                f" {standing.consumer.review}. Set it going, or take it out.",
            )
