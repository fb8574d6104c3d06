"""An offer of the waitlist is told: a row for each channel, of use while the slot is held (decision 110)."""

from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Exists, OuterRef, QuerySet, Value, When
from django.utils import timezone

from clinic.booking.models import Hold, WaitlistEntry
from clinic.events.consumers import Event
from clinic.notices.models import Channel, Kind, Notice, State
from clinic.notices.moments import not_at_night
from clinic.notices.moving import make
from clinic.notices.planning import zone_of

OFFERED = "waitlist.offered"


def plan_offer(event: Event) -> None:
    """Plan the messages of the offer; nothing where they are planned, or the entry is gone with its patient."""
    rows = WaitlistEntry.objects.select_related("region", "patient__region", "hold")
    entry = rows.filter(region=event.region_id, pk=event.data["entry"], hold=event.data["hold"]).first()
    if entry is None or entry.hold is None:
        return
    at, until = not_at_night(event.recorded_at, zone_of(entry.patient)), useful_until(entry.hold)
    for channel in Channel.values:
        make(_row(entry, entry.hold, channel, at, until))


def useful_until(hold: Hold) -> datetime:
    """While the slot is held, and has not begun."""
    return min(hold.expires_at, hold.begins)


def is_open(notice: Notice) -> bool:
    """Whether what the message offers is offered still."""
    open_ones = WaitlistEntry.objects.filter(state=WaitlistEntry.State.OFFERED, hold__expires_at__gt=timezone.now())
    return notice.waiting_id is not None and open_ones.filter(pk=notice.waiting_id).exists()


def with_told(entries: QuerySet[Any]) -> QuerySet[Any]:
    """Each with `told`: whether its patient knows of the offer, in one of four ways of saying so."""
    words = {
        "yes": (State.SENT, State.DELIVERED),
        "maybe": (State.MAYBE_SENT,),
        "not yet": (State.PLANNED, State.SENDING),
    }
    cases = [
        When(Exists(Notice.objects.filter(waiting=OuterRef("pk"), state__in=states).order_by()), then=Value(word))
        for word, states in words.items()
    ]
    never = When(hold__isnull=False, then=Value("no"))
    told: QuerySet[Any] = entries.annotate(told=Case(*cases, never, default=Value(""), output_field=CharField()))
    return told


def _row(entry: WaitlistEntry, hold: Hold, channel: str, at: datetime, until: datetime) -> Notice:
    late = at > until
    return Notice(
        waiting=entry, kind=Kind.WAITLIST_OFFER, channel=channel, scheduled_for=at, begins=hold.begins,
        region=entry.region, patient=entry.patient, useful_until=until, try_at=at,
        state=State.NOT_SENT if late else State.PLANNED, reason="quiet" if late else "",
    )  # fmt: skip
