"""Free times as a page shows them: by whom they are with and by part of the day, each on the region's clock."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from clinic.booking.admin.calendar import clock
from clinic.booking.slots import Slot

# Before which hour of the day a part of it is over.
PARTS = ((12, "Morning"), (17, "Afternoon"), (24, "Evening"))


def grid(slots: Sequence[Slot], zone: ZoneInfo) -> list[dict[str, Any]]:
    """[{title, parts: [{title, times: [{value, label}]}]}] in the order of the first time of each."""
    found: dict[str, dict[str, list[dict[str, str]]]] = {}
    for slot in slots:
        title = ", ".join(each.name for each in slot.resources)
        hour = slot.begins.astimezone(zone).hour
        part = next(name for until, name in PARTS if hour < until)
        time = {"value": slot.begins.isoformat(), "label": clock(slot.begins, zone)}
        found.setdefault(title, {}).setdefault(part, []).append(time)
    return [
        {"title": title, "parts": [{"title": part, "times": times} for part, times in parts.items()]}
        for title, parts in found.items()
    ]
