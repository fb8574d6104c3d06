"""The calendar: a day or a week of one region, by resource; free, held and booked."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.access import scoped
from backoffice.formats import today_in
from clinic.booking.agenda import BOOKED, FREE, HELD, Piece, agenda, shown_resources, summed
from clinic.booking.desk import expire_holds
from clinic.booking.models import Appointment, Resource
from clinic.booking.zones import midnight
from regions.models import Region

TONES = {FREE: "good", HELD: "warn", BOOKED: "busy"}
DAYS = {"day": 1, "week": 7}
FIRST, LAST = date(2000, 1, 1), date(2099, 12, 1)


def calendar_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Of a region of the user's, which another's is not (404); a date that is none is today."""
    regions = list(scoped(Region.objects.all(), request.user, ""))
    context = {**context, "title": "Calendar", "regions": regions, "region": None}
    if regions:
        region = _region(regions, request.GET.get("region", ""))
        view = request.GET.get("view", "day")
        context |= _shown(region, view if view in DAYS else "day", _day(request.GET.get("day", ""), region))
    return TemplateResponse(request, "admin/booking/calendar.html", context)


def _region(regions: list[Region], name: str) -> Region:
    for region in regions:
        if name in ("", region.name):
            return region
    raise Http404


def _day(text: str, region: Region) -> date:
    try:
        return min(max(date.fromisoformat(text), FIRST), LAST)
    except ValueError:
        return today_in(region.zone)


def _shown(region: Region, view: str, day: date) -> dict[str, Any]:
    expire_holds(region)
    first = day if view == "day" else day - timedelta(days=day.weekday())
    days = [first + timedelta(days=each) for each in range(DAYS[view])]
    begins, ends = midnight(first, region.zone), midnight(days[-1] + timedelta(days=1), region.zone)
    resources = shown_resources(region, begins, ends)
    pieces = agenda(region, resources, first, len(days))
    step = timedelta(days=len(days))
    return {
        "region": region,
        "view": view,
        "day": day,
        "days": days,
        "before": day - step,
        "after": day + step,
        "today": today_in(region.zone),
        "odd": None if (ends - begins) == step else int((ends - begins).total_seconds() // 3600),
        "resources": [_row(resource, days, pieces, region.zone) for resource in resources],
    }


def _row(
    resource: Resource, days: list[date], pieces: dict[tuple[int, date], list[Piece]], zone: ZoneInfo
) -> dict[str, Any]:
    each_day = [{"day": day, "sums": summed(pieces[resource.pk, day])} for day in days]
    first = [_line(piece, zone) for piece in pieces[resource.pk, days[0]]]
    return {"resource": resource, "days": each_day, "pieces": first}


def _line(piece: Piece, zone: ZoneInfo) -> dict[str, Any]:
    owner = piece.owner
    link = reverse("admin:booking_appointment_change", args=[owner.pk]) if isinstance(owner, Appointment) else ""
    return {
        "piece": piece,
        "tone": TONES[piece.what],
        "begins": clock(piece.begins, zone),
        "ends": clock(piece.ends, zone),
        "link": link,
    }


def clock(instant: datetime, zone: ZoneInfo) -> str:
    """08:00; with the name of the clock's time on a day on which that changes."""
    local = instant.astimezone(zone)
    changes = (local - timedelta(hours=12)).utcoffset() != (local + timedelta(hours=12)).utcoffset()
    return f"{local:%H:%M %Z}" if changes else f"{local:%H:%M}"
