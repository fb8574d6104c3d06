"""A replica of a consumer: it takes entries off the stream, settles them, and holds those that have to wait."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from redis import Redis

from backoffice.runs import service_time
from clinic.events import stream
from clinic.events.consumers import Consumer
from clinic.events.models import DeadLetter, Outbox
from clinic.events.settling import Settled, settle
from clinic.events.standing import begin

BATCH = 20
# Of what waits for a failing event of its subject; beyond it nothing new is taken.
MOST_HELD = 1000
IDLE_SECONDS = 1.0
FIRST_WAIT, LONGEST_WAIT = 0.02, 1.0


@dataclass(kw_only=True, slots=True)
class Held:
    """An entry that is not settled yet. `due` on time.monotonic()'s clock; `troubled`: it has a letter."""

    delivery: stream.Delivery
    row: Outbox
    due: float = 0.0
    wait: float = FIRST_WAIT
    troubled: bool = False


@dataclass(kw_only=True)
class Replica:
    """Call turn() again and again, and leave() in the end; what it holds is claimed by others after it has gone."""

    consumer: Consumer
    client: Redis
    claim_after: timedelta = field(default_factory=lambda: timedelta(seconds=settings.EVENT_CLAIM_SECONDS))
    stopping: bool = False

    def __post_init__(self) -> None:
        stream.ensure_group(self.client, self.consumer.name)
        self.since = begin(self.consumer).since
        self.reader = stream.Reader(self.client, self.consumer.name, claim_after=self.claim_after)
        self.held: dict[int, Held] = {}
        self._measure = service_time.of_consumer(self.consumer.name)
        self._claimed_at = 0.0

    def turn(self, *, wait: float = IDLE_SECONDS) -> int:
        """Take what is there, after `wait` seconds at the most, and try what can be; how much that was."""
        taken = self._claim()
        if len(self.held) < MOST_HELD and not self.stopping:
            taken += self._take(self.reader.read(BATCH, wait=min(wait, self._patience())))
        began = time.monotonic()
        tried = self._settle_held() + self._replay()
        if tried:
            service_time.note(self.client, self._measure, tried, time.monotonic() - began)
        return taken + tried

    def leave(self) -> None:
        self.reader.leave()

    def _patience(self) -> float:
        """Seconds until something held is due."""
        now = time.monotonic()
        return max(min((one.due for one in self.held.values()), default=now + IDLE_SECONDS) - now, 0.0)

    def _claim(self) -> int:
        """Thrice in the time after which entries are claimed: keep one's own, and take over those of the dead."""
        now = time.monotonic()
        if now < self._claimed_at + self.claim_after.total_seconds() / 3:
            return 0
        self._claimed_at = now
        self.reader.keep([one.delivery.entry for one in self.held.values()])
        claimed = self.reader.claim(BATCH)
        if len(claimed) == BATCH:
            self._claimed_at = 0.0  # there may be more
        return self._take(claimed)

    def _take(self, deliveries: list[stream.Delivery]) -> int:
        """Hold what is this consumer's; the rest is settled at once: other types, rows that were cleaned up."""
        wanted = [one for one in deliveries if self._wants(one)]
        numbers = [one.number for one in wanted]
        rows = Outbox.objects.in_bulk(numbers)
        retries = dict(_letters(self.consumer).filter(event__in=numbers).values_list("event_id", "retry_at"))
        for one in wanted:
            if one.number in rows and one.number not in self.held:
                due = _due(retries.get(one.number))
                row, troubled = rows[one.number], one.number in retries
                self.held[one.number] = Held(delivery=one, row=row, due=due, troubled=troubled)
        kept = {one.delivery.entry for one in self.held.values()}
        self.reader.settle([one.entry for one in deliveries if one.entry not in kept])
        return len(deliveries)

    def _wants(self, one: stream.Delivery) -> bool:
        """Not what is held already: an event that was published twice is settled with its first entry."""
        return self.consumer.wants(one.type) and one.number > self.since and one.number not in self.held

    def _settle_held(self) -> int:
        """Each event that is due, in the order of recording; none behind one of its subject that stays held."""
        blocked: set[tuple[int, str]] = set()
        done: list[int] = []
        tried = 0
        for number in sorted(self.held):
            one = self.held[number]
            subject = (one.row.region_id, one.row.subject)
            if self.stopping:
                break
            if subject in blocked:
                continue
            result = self._try(one) if one.due <= time.monotonic() else Settled.WAITS
            tried += result is not Settled.WAITS
            if result is Settled.DONE:
                done.append(number)
            else:
                blocked.add(subject)
        self.reader.settle([self.held.pop(number).delivery.entry for number in done])
        return tried

    def _try(self, one: Held) -> Settled:
        """What is not done then is due later."""
        result = settle(self.consumer, one.row, since=self.since, troubled=one.troubled, again=one.delivery.again)
        one.delivery.again = one.delivery.again and result is Settled.WAITS
        if result is Settled.WAITS:
            one.due = time.monotonic() + one.wait
            one.wait = min(one.wait * 2, LONGEST_WAIT)
        elif result is Settled.FAILED:
            one.troubled = True
            one.due = _due(_letters(self.consumer).filter(event=one.row).values_list("retry_at", flat=True).first())
        return result

    def _replay(self) -> int:
        """Dead letters that were given back: no entry of the stream leads to them."""
        due = _letters(self.consumer).filter(state=DeadLetter.State.REPLAYED, retry_at__lte=timezone.now())
        tried = 0
        for letter in due.select_related("event").order_by("event")[:BATCH]:
            mine = due.filter(pk=letter.pk).update(retry_at=timezone.now() + self.claim_after)
            if mine and not self.stopping:
                settle(self.consumer, letter.event, since=self.since, troubled=True, again=True)
                tried += 1
        return tried


def _letters(consumer: Consumer) -> QuerySet[DeadLetter]:
    return DeadLetter.objects.filter(consumer=consumer.name)


def _due(retry_at: datetime | None) -> float:
    """On the monotonic clock; now for None."""
    left = (retry_at - timezone.now()).total_seconds() if retry_at else 0.0
    return time.monotonic() + max(left, 0.0)
