"""What becomes of an event at which a consumer fails: tried again after growing pauses, then a dead letter."""

import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from clinic.events.consumers import EventRefused
from clinic.events.models import DeadLetter, Inbox, Outbox

log = structlog.get_logger(__name__)

State = DeadLetter.State
MOST_TRIES = 5
ENDED = ("ConsumerEnded", "ended_while_it_handled_this")


def note_failure(consumer: str, row: Outbox, error: Exception, *, counted: bool = False) -> datetime | None:
    """Count the try, unless begin_try() has, and say when the next one is; None: it was the last, and this is dead."""
    name, reason = what_failed(error)
    log.warning("event_failed", consumer=consumer, number=row.pk, error=name, reason=reason)
    with transaction.atomic():
        tries = _counted(consumer, row, more=0 if counted else 1)
        _letter(consumer, row).update(error=name, reason=reason, failed_at=timezone.now())
        return _after(consumer, row, tries, dead=tries >= MOST_TRIES)


def begin_try(consumer: str, row: Outbox) -> bool:
    """Count a try before it begins, where an earlier one may have ended its process; False: there were enough."""
    with transaction.atomic():
        tries = _counted(consumer, row, more=1)
        enough = tries > MOST_TRIES
        if enough:
            _letter(consumer, row).update(error=ENDED[0], reason=ENDED[1], failed_at=timezone.now())
        return _after(consumer, row, tries, dead=enough) is not None


def what_failed(error: Exception) -> tuple[str, str]:
    """Class and reason, without the exception's message, which may hold data of a patient."""
    if isinstance(error, EventRefused):
        return type(error).__name__, error.reason[:200]
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return type(error).__name__[:100], place[:200]


def replay(letters: Sequence[DeadLetter], user: User) -> int:
    """Give dead letters back to their consumers, all tries anew; how many. Others than dead ones are left alone."""
    done = 0
    for letter in letters:
        with transaction.atomic():
            now = timezone.now()
            mine = DeadLetter.objects.filter(pk=letter.pk, state__in=(State.DEAD, State.DISMISSED))
            if mine.update(state=State.REPLAYED, tries=0, retry_at=now, decided_by=user, decided_at=now):
                Inbox.objects.filter(consumer=letter.consumer, event=letter.event_id, dead=True).delete()
                done += 1
    return done


def dismiss(letters: Sequence[DeadLetter], user: User) -> int:
    """Take dead letters off the list for good, without an effect; how many."""
    dead = DeadLetter.objects.filter(pk__in=[letter.pk for letter in letters], state=State.DEAD)
    return dead.update(state=State.DISMISSED, decided_by=user, decided_at=timezone.now())


def _letter(consumer: str, row: Outbox) -> QuerySet[DeadLetter]:
    return DeadLetter.objects.filter(consumer=consumer, event=row)


def _counted(consumer: str, row: Outbox, *, more: int) -> int:
    """The tries so far; a new letter says that the consumer ended, until it is known to have failed."""
    fresh = {"region_id": row.region_id, "error": ENDED[0], "reason": ENDED[1]}
    DeadLetter.objects.get_or_create(consumer=consumer, event=row, defaults=fresh)
    mine = _letter(consumer, row)
    mine.update(tries=F("tries") + more)
    return mine.values_list("tries", flat=True).get()


def _after(consumer: str, row: Outbox, tries: int, *, dead: bool) -> datetime | None:
    letter = _letter(consumer, row)
    if dead:
        letter.update(state=State.DEAD)
        Inbox.objects.bulk_create([Inbox(consumer=consumer, event=row, dead=True)], ignore_conflicts=True)
        return None
    pauses: list[float] = settings.EVENT_RETRY_SECONDS
    retry_at = timezone.now() + timedelta(seconds=pauses[min(max(tries, 1), len(pauses)) - 1])
    letter.update(retry_at=retry_at)
    # A replay stays one: no entry of the stream leads to it.
    letter.exclude(state=State.REPLAYED).update(state=State.RETRYING)
    return retry_at
