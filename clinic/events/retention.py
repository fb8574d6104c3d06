"""Forgetting events that everybody is done with, and the texts of messages that came from outside."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from clinic.events.consumers import consumers
from clinic.events.inbound.forgetting import LINK, empty, linked
from clinic.events.models import DeadLetter, Outbox, Unmatched
from clinic.events.standing import advance

BATCH = 1000
UNDECIDED = (DeadLetter.State.RETRYING, DeadLetter.State.DEAD, DeadLetter.State.REPLAYED)


def forget_events(before: datetime) -> int:
    """Delete published events recorded before that, with their inbox rows and letters; how many. Safe to repeat.

    None that a consumer that is on still owes, none that it has failed at and nobody has decided on, none that came
    from outside and was unmatched at first, and none whose message's text is still kept. A consumer that gets a
    forgotten one once more passes it over.
    """
    rows = _done_with(before).exclude(pk__in=Unmatched.objects.values("event")).exclude(data__has_key=LINK)
    done = 0
    while numbers := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        Outbox.objects.filter(pk__in=numbers).delete()
        done += len(numbers)
    return done


def forget_messages(before: datetime) -> int:
    """Empty the texts of messages all of whose events were recorded before that and are settled; how many.

    What waits for a person (unmatched, or a consumer failed at it) is kept, and what a consumer still owes. The rows
    stay, so that a message that comes again is known. Safe to repeat.
    """
    waiting = Unmatched.objects.filter(state=Unmatched.State.OPEN).values("event")
    settled = _done_with(before).exclude(pk__in=waiting).filter(data__has_key=LINK)
    done, after = 0, 0
    while numbers := list(settled.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        after = numbers[-1]
        done += _emptied(linked(Outbox.objects.filter(pk__in=numbers)), settled)
    return done


@transaction.atomic
def _emptied(messages: set[int], settled: QuerySet[Outbox]) -> int:
    """How many of them; those of which another event is not settled are left."""
    events = Outbox.objects.filter(**{f"data__{LINK}__in": sorted(messages)})
    messages -= linked(events.exclude(pk__in=settled.values("pk")))
    empty(messages)
    for event in events:
        if event.data[LINK] in messages:
            event.data = {name: value for name, value in event.data.items() if name != LINK}
            event.save(update_fields=["data"])
    return len(messages)


def _done_with(before: datetime) -> QuerySet[Outbox]:
    """Published events recorded before that which no consumer owes and nobody has to decide on."""
    settled = [advance(consumer).settled for consumer in consumers() if consumer.on]
    rows = Outbox.objects.filter(recorded_at__lt=before).exclude(published_at=None)
    if settled:
        rows = rows.filter(pk__lte=min(settled))
    return rows.exclude(pk__in=DeadLetter.objects.filter(state__in=UNDECIDED).values("event"))
