"""How figures are written for people: money, times with their zone named, durations, coded words."""

import os
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from django.utils import timezone

UTC = ZoneInfo("UTC")


def money(amount: Decimal | str | int | None) -> str:
    """$1,234.56; "unknown" for None, which is not the same as nothing."""
    if amount is None or amount == "":
        return "unknown"
    cents = Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{'-' if cents < 0 else ''}${abs(cents):,}"


def moment(at: datetime | str | None, zone: ZoneInfo | None = None) -> str:
    """2026-11-21 18:30 CST: an instant (or its ISO text) in a zone that is named; empty for None."""
    if not at:
        return ""
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = instant.astimezone(zone or UTC)
    name = local.strftime("%Z")
    # Zones without letters of their own are called +07 by the system, which names no place.
    return f"{local:%Y-%m-%d %H:%M} {name if name.isalpha() else (zone or UTC).key}"


def duration(seconds: float | None) -> str:
    """under 1 s, 45 s, 3 min 20 s, 2 h 5 min, 4 days, 5 months, 3 years; empty for None."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if not whole and seconds > 0:
        return "under 1 s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return _long(whole // 86400)


def _long(days: int) -> str:
    if days < 100:
        return f"{days} days"
    months = round(days / 30.4369)
    return f"{months} months" if months < 24 else f"{round(days / 365.25)} years"


def count(number: int, one: str, many: str = "") -> str:
    """1 appointment, 1,200 appointments."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def words(code: str) -> str:
    """A coded word as text: no_cost_center → no cost center."""
    return code.replace("_", " ").replace(";", "; ").replace(":", ": ")


def today_in(zone: ZoneInfo) -> date:
    return timezone.now().astimezone(zone).date()


def legible(name: str | Path) -> str:
    """What the system has named, a file or an argument, as text that can be stored and shown: it need be no UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")
