"""The line of the waitlist: whatever is freed is offered to the first who fits. Called at the desk only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import timezone

from clinic.booking.cells import Span, instant_of
from clinic.booking.holding import MINUTE, keep
from clinic.booking.models import AppointmentType, WaitlistEntry
from clinic.booking.slots import NONE, Slot, free_slots, lengths
from clinic.booking.telling import tell_of_offer
from clinic.booking.zones import is_quiet, not_at_night
from regions.models import Region


def in_line(region: Region) -> QuerySet[WaitlistEntry]:
    """Who waits and still can be given something, the first first."""
    waiting = WaitlistEntry.objects.filter(region=region, state=WaitlistEntry.State.WAITING, latest__gt=timezone.now())
    return waiting.select_related("type__region", "region", "patient").order_by("pk")


def end_passed(region: Region) -> int:
    """Who waited for a time that is over has left the line; how many. Safe to repeat."""
    passed = WaitlistEntry.objects.filter(region=region, state=WaitlistEntry.State.WAITING, latest__lte=timezone.now())
    return passed.update(state=WaitlistEntry.State.LAPSED, changed_at=timezone.now()) if passed.exists() else 0


def offer(region: Region, *freed: Span) -> int:
    """Go once along the line and hold for each the first free slot that touches what is freed and fits; how many were
    held.

    None: whatever is free, as after a change of the hours. Who did not fit before somebody else was given something
    does not fit afterwards, so that once is enough. What is freed at the same moment is given in one call: by one after
    the other somebody might be given a slot that lies across two of them, and be before who fits the second alone.
    """
    offered = 0
    known: dict[tuple[int, int | None], list[Slot]] = {}
    line = in_line(region)
    if freed:
        before, after = _buffers(region)
        first, last = min(span.first for span in freed), max(span.last for span in freed)
        line = line.filter(earliest__lt=instant_of(last) + before, latest__gt=instant_of(first) - after)
    for entry in line:
        if (slot := _first(entry, freed, known)) is not None:
            offer_slot(entry, slot)
            known.clear()
            offered += 1
    return offered


def _buffers(region: Region) -> tuple[timedelta, timedelta]:
    """The longest before and after a visit: who lacked nothing but a buffer waits for a time beside what is freed."""
    longest = AppointmentType.objects.filter(region=region).aggregate(
        before=Max("minutes_before"), after=Max("minutes_after")
    )
    return (longest["before"] or 0) * MINUTE, (longest["after"] or 0) * MINUTE


def offer_slot(entry: WaitlistEntry, slot: Slot) -> None:
    """Hold the slot for who waits, and say so."""
    hold = keep(slot, entry.patient, _until(entry, slot))
    entry.hold = hold
    entry.state = WaitlistEntry.State.OFFERED
    entry.changed_at = timezone.now()
    entry.save(update_fields=["hold", "state", "changed_at"])
    tell_of_offer(entry, hold)


def _until(entry: WaitlistEntry, slot: Slot) -> datetime:
    """How long an offer holds: WAITLIST_OFFER_MINUTES from when the patient is told.

    Nothing is sent in the last minute before the night. A slot that begins before the morning is held from now: only
    the desk could tell of it.
    """
    now = timezone.now()
    zone = ZoneInfo(entry.patient.time_zone or entry.region.time_zone)
    told = not_at_night(now + MINUTE, zone)
    since = told if is_quiet(now + MINUTE, zone) and told < slot.begins else now
    return since + int(settings.WAITLIST_OFFER_MINUTES) * MINUTE


def fitting(entry: WaitlistEntry) -> Slot | None:
    """The first free slot that the entry would take."""
    return _first(entry, (), {})


def _first(
    entry: WaitlistEntry, freed: Sequence[Span], known: dict[tuple[int, int | None], list[Slot]]
) -> Slot | None:  # fmt: skip
    wanted = NONE if entry.resource_id is None else frozenset({entry.resource_id})
    if not freed:
        slots = free_slots(entry.type, entry.earliest, entry.latest, wanted=wanted)
        return next((slot for slot in slots if _fits(entry, slot)), None)
    key = (entry.type_id, entry.resource_id)
    if key not in known:
        touching = (free_slots(entry.type, *_around(entry.type, span), wanted=wanted) for span in freed)
        known[key] = sorted(chain.from_iterable(touching), key=lambda slot: slot.begins)
    return next((slot for slot in known[key] if _fits(entry, slot)), None)


def _fits(entry: WaitlistEntry, slot: Slot) -> bool:
    return entry.earliest <= slot.begins and slot.ends <= entry.latest


def _around(type_: AppointmentType, freed: Span) -> tuple[datetime, datetime]:
    """Between which instants a visit begins that takes one of the cells, if only with a buffer."""
    before, visit, after = lengths(type_)
    return instant_of(freed.first - visit - after + 1), instant_of(freed.last + before)
