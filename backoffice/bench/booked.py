"""What the database says after a load: `python -m backoffice.bench.booked`, the ids of all 201s as a list on standard
input, what is in it on standard output (see Found)."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import django

PROGRAM = "backoffice.bench.booked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """`overlaps`: pairs of one resource in the same time; `missing`: 201s without an appointment; `twice`: ids that
    were given to two 201s; `untold`: appointments that no 201 told of."""

    appointments: int
    overlaps: int
    missing: int
    twice: int
    untold: int

    def faults(self, lost: int) -> list[str]:
        """What had to hold and does not. `lost`: requests of which nobody knows what they did; each may have booked."""
        said = {
            "pairs of visits at the same time with the same resource": self.overlaps,
            "answers of 201 without an appointment": self.missing,
            "appointments that two answers of 201 told of": self.twice,
            "appointments that nobody was told of": max(0, self.untold - lost),
        }
        return [f"{number:,} {what}" for what, number in said.items() if number]


def overlaps_of(spans: Iterable[tuple[int, datetime, datetime]]) -> int:
    """How many of the (resource, begins, ends) begin before an earlier one of the same resource has ended."""
    found, until = 0, dict[int, datetime]()
    for resource, begins, ends in sorted(spans):
        known = until.get(resource)
        found += known is not None and begins < known
        until[resource] = ends if known is None else max(known, ends)
    return found


def look(told: list[int]) -> Found:
    """The present appointments and open holds against what was told."""
    from clinic.booking.models import Appointment, Hold
    from clinic.booking.states import FREES

    spans: list[tuple[int, datetime, datetime]] = []
    for rows in (Appointment.objects.exclude(state__in=FREES), Hold.objects.filter(state=Hold.State.OPEN)):
        columns = ("resources", "begins", "ends", "type__minutes_before", "type__minutes_after")
        for resource, begins, ends, before, after in rows.values_list(*columns):
            spans.append((resource, begins - timedelta(minutes=before), ends + timedelta(minutes=after)))
    there = set(Appointment.objects.values_list("pk", flat=True))
    return Found(
        appointments=len(there), overlaps=overlaps_of(spans), missing=len(set(told) - there),
        twice=sum(number > 1 for number in Counter(told).values()), untold=len(there - set(told)),
    )  # fmt: skip


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    sys.stdout.write(json.dumps(asdict(look(json.load(sys.stdin)))))
