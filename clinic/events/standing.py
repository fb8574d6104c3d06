"""How consumers stand: what they owe, how old the oldest of it is, what they failed at."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from redis import Redis
from redis.exceptions import RedisError

from clinic.events import stream
from clinic.events.consumers import Consumer, consumers
from clinic.events.models import ConsumerState, DeadLetter, Inbox, Outbox

# No transaction is open for longer, so that no event will appear below one that was recorded before.
COMMITTED_AFTER = timedelta(minutes=5)
LAG_LIMIT = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One consumer now. `lag`, `oldest`, `retrying` and `dead` are of the regions asked for.

    `lag` counts to LAG_LIMIT. `pending` and `alive` are of the whole stream, None while Redis does not answer.
    """

    consumer: Consumer
    lag: int
    oldest: datetime | None
    retrying: int
    dead: int
    pending: int | None
    alive: int | None

    @property
    def review_is_due(self) -> bool:
        review = self.consumer.review
        return review is not None and review <= date.today()  # noqa: DTZ011 (a reminder to people; any zone's day does)


def begin(consumer: Consumer) -> ConsumerState:
    """Where the consumer began; of one that is new, or was off, that is here: what is published it does not owe."""
    state = ConsumerState.objects.filter(name=consumer.name).first()
    if state is None or (state.off and consumer.on):
        return _begin_here(consumer)
    return state


def begin_trial(consumer: Consumer, client: Redis) -> ConsumerState:
    """One that is off is tried: it begins here each time, unless replicas of it run already."""
    if stream.group_standing(client, consumer.name, timedelta(seconds=10)).replicas:
        return begin(consumer)
    return _begin_here(consumer)


def begin_all() -> None:
    """Before anything is published: what is recorded now is owed by each consumer that is on, and by no other."""
    for consumer in consumers():
        if consumer.on:
            begin(consumer)
    off = [consumer.name for consumer in consumers() if not consumer.on]
    ConsumerState.objects.filter(name__in=off, off=False).update(off=True)


@transaction.atomic
def _begin_here(consumer: Consumer) -> ConsumerState:
    """Of several at once the first one decides."""
    last = Outbox.objects.exclude(published_at=None).aggregate(last=Max("pk"))["last"] or 0
    mine = ConsumerState.objects.filter(name=consumer.name)
    if consumer.on:
        mine.filter(off=True).update(since=last, settled=last, off=False)
    else:
        mine.update(since=last, settled=last, off=True)
    fresh = ConsumerState(name=consumer.name, since=last, settled=last, off=not consumer.on)
    ConsumerState.objects.bulk_create([fresh], ignore_conflicts=True)
    return mine.get()


def unhandled(consumer: Consumer, after: int) -> QuerySet[Outbox]:
    """Events of the consumer's above a row number that it is not done with."""
    handled = Inbox.objects.filter(consumer=consumer.name, event=OuterRef("pk"))
    return Outbox.objects.filter(consumer.of_types(), pk__gt=after).exclude(Exists(handled))


def advance(consumer: Consumer) -> ConsumerState:
    """Move the mark below which the consumer owes nothing, so that nobody looks there again."""
    state = begin(consumer)
    committed = Outbox.objects.filter(recorded_at__lt=timezone.now() - COMMITTED_AFTER)
    reached = committed.order_by("-pk").values_list("pk", flat=True).first() or 0
    owed = unhandled(consumer, state.settled).order_by("pk").values_list("pk", flat=True).first()
    settled = reached if owed is None else min(reached, owed - 1)
    if settled > state.settled:
        ConsumerState.objects.filter(pk=state.pk, settled__lt=settled).update(settled=settled)
        state.settled = settled
    return state


def standing_of(consumer: Consumer, regions: Collection[int] | None, client: Redis | None) -> Standing:
    """Of these regions (their primary keys), None: of all; without a client, of the database alone."""
    state = ConsumerState.objects.filter(name=consumer.name).first()
    rows = unhandled(consumer, state.settled) if state else Outbox.objects.none()
    letters = DeadLetter.objects.filter(consumer=consumer.name)
    if regions is not None:
        rows, letters = rows.filter(region__in=regions), letters.filter(region__in=regions)
    first = rows.order_by("pk").values_list("recorded_at", flat=True).first()
    counts = letters.aggregate(
        retrying=Count("pk", filter=Q(state__in=(DeadLetter.State.RETRYING, DeadLetter.State.REPLAYED))),
        dead=Count("pk", filter=Q(state=DeadLetter.State.DEAD)),
    )
    group = _group(client, consumer)
    return Standing(
        consumer=consumer,
        lag=rows.order_by()[:LAG_LIMIT].count(),
        oldest=first,
        pending=group.pending if group else None,
        alive=group.replicas if group else None,
        **counts,
    )


def standings(regions: Collection[int] | None) -> list[Standing]:
    """Of every consumer, by name."""
    with stream.connect() as client:
        reachable = client if _answers(client) else None
        return [standing_of(consumer, regions, reachable) for consumer in consumers()]


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


def _group(client: Redis | None, consumer: Consumer) -> stream.Group | None:
    if client is None:
        return None
    try:
        return stream.group_standing(client, consumer.name)
    except RedisError:
        return None
