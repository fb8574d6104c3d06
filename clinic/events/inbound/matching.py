"""What an event from outside belongs to. Other apps know; what none of them knows is kept and asked again."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from backoffice.above import Above
from clinic.events.consumers import Event
from clinic.events.inbound.models import Channel, Unmatched
from clinic.events.outbox import event_of, record

log = structlog.get_logger(__name__)

# Given an event from outside, the subject of ours that it belongs to, such as "appointment/12"; None: not known.
# It reads the database of the event's region and writes nothing.
Resolver = Callable[[Event], str | None]

# Given a region's key and what a person wrote, the subject of ours that it names, or None.
Chooser = Callable[[int, str], str | None]
CHOOSING: Above[Chooser] = Above()

ASKED_AGAIN_AFTER = timedelta(minutes=5)
BATCH = 200
_resolvers: list[tuple[str, Resolver]] = []


def register_resolver(channel: str, resolver: Resolver) -> None:
    """Ask it what the events of a channel (lis, pos) belong to; from AppConfig.ready."""
    if channel not in Channel.values:
        raise ValueError(f"Channels are {', '.join(Channel.values)}.")
    if (channel, resolver) not in _resolvers:
        _resolvers.append((channel, resolver))


def resolve(channel: str, event: Event) -> str | None:
    """The first answer that is one."""
    found = (resolver(event) for known, resolver in _resolvers if known == channel)
    return next((subject for subject in found if subject), None)


@transaction.atomic
def match_one(row: Unmatched, user: User | None = None) -> bool:
    """Ask once more; where it is known now, its event is recorded again with `matched` among its data."""
    subject = resolve(row.channel, event_of(row.event))
    if subject is None:
        _open(row).update(tried_at=timezone.now())
        return False
    return _match(row, subject, user)


def chosen(row: Unmatched, text: str) -> str | None:
    """The subject that a person names by this text, of the row's region; the first answer that is one."""
    found = (chooser(row.region_id, text) for chooser in CHOOSING)
    return next((subject for subject in found if subject), None)


@transaction.atomic
def match_to(row: Unmatched, subject: str, user: User) -> int:
    """What a person says it belongs to, and with it all that is open of the same order; how many events."""
    same = Unmatched.objects.filter(region=row.region_id, channel=row.channel, state=Unmatched.State.OPEN)
    rows = same.filter(event__subject=row.event.subject).select_related("event", "region").order_by("event")
    return sum(_match(each, subject, user) for each in rows)


def match_waiting(region: int, channel: str, **lookups: str) -> int:
    """Ask again for what is open of a region and fits Unmatched's lookups; how many are known now."""
    rows = Unmatched.objects.filter(region=region, channel=channel, state=Unmatched.State.OPEN, **lookups)
    return sum(match_one(row) for row in rows.select_related("event", "region").order_by("event__subject", "event"))


def _match(row: Unmatched, subject: str, user: User | None) -> bool:
    """False where somebody else has decided meanwhile."""
    now = timezone.now()
    decided = {"state": Unmatched.State.MATCHED, "matched": subject, "decided_by": user, "decided_at": now}
    if not _open(row).update(tried_at=now, **decided):
        return False
    record(row.region, row.event.type, row.event.subject, {**row.event.data, "matched": subject})
    return True


def _open(row: Unmatched) -> QuerySet[Unmatched]:
    return Unmatched.objects.filter(pk=row.pk, state=Unmatched.State.OPEN)


def match_again() -> int:
    """Ask for those that were not asked for lately; how many are known now. By each publisher."""
    before = timezone.now() - ASKED_AGAIN_AFTER
    rows = Unmatched.objects.filter(state=Unmatched.State.OPEN, tried_at__lt=before).order_by("tried_at")
    done = 0
    for row in rows.select_related("event", "region")[:BATCH]:
        try:
            done += match_one(row)
        except Exception as error:
            log.warning("resolver_failed", unmatched=row.pk, error=type(error).__name__)
            Unmatched.objects.filter(pk=row.pk).update(tried_at=timezone.now())
    return done


def dismiss(row: Unmatched, user: User, reason: str) -> bool:
    """Nobody is to ask for it again; False when it is not open any more."""
    decided = {"state": Unmatched.State.DISMISSED, "reason": reason, "decided_by": user, "decided_at": timezone.now()}
    return bool(Unmatched.objects.filter(pk=row.pk, state=Unmatched.State.OPEN).update(**decided))
