"""What came from outside is a patient's record: it is emptied with the patient, or once nobody needs it.

An event of ours names its message in its data, under LINK, for as long as the message's text is kept.
"""

from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet

from clinic.events.inbound.models import Inbound
from clinic.events.models import Outbox, Subject

LINK = "inbound"


def events_of(region: int, subjects: Collection[str]) -> QuerySet[Outbox]:
    """All that came from outside for these subjects of ours, at once or after it was matched."""
    belong = Q(data__matched__in=list(subjects)) | Q(unmatched__matched__in=list(subjects))
    return Outbox.objects.filter(belong, region=region)


def messages_of(region: int, subjects: Collection[str]) -> set[int]:
    """The messages, by key, whose text is still kept."""
    return linked(events_of(region, subjects))


def linked(events: QuerySet[Outbox]) -> set[int]:
    return set(events.filter(data__has_key=LINK).values_list(f"data__{LINK}", flat=True))


def forget(region: int, subjects: Collection[str]) -> None:
    """In the caller's transaction: the messages are empty, and their events name nothing that others know.

    What stays is that something of this type came, and the message's digest, so that one that comes again is known.
    """
    names = set(events_of(region, subjects).values_list("subject", flat=True))
    counted = Subject.objects.filter(region=region, name__in=names)
    # From here on nobody records another event of these until the transaction ends.
    list(counted.order_by("name").select_for_update())
    rows = list(events_of(region, subjects))
    empty({row.data[LINK] for row in rows if LINK in row.data})
    for row in rows:
        row.subject, row.data = f"{row.type.partition('.')[0]}/removed-{row.event_id}", {}
        row.save(update_fields=["subject", "data"])
    others = Outbox.objects.filter(region=region, subject__in=names).values_list("subject", flat=True)
    counted.exclude(name__in=set(others)).delete()


def empty(messages: Iterable[int]) -> None:
    """Their texts go."""
    for message in Inbound.objects.filter(pk__in=set(messages)):
        message.body = ""
        message.save(update_fields=["body"])
