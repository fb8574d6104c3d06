"""For cron, daily and after downtime: the reminders of today's and tomorrow's visits stand in the ledger."""

from collections.abc import Iterable, Mapping
from typing import Any

from clinic.notices.command import NoticesCommand
from clinic.notices.models import Notice
from clinic.notices.scheduling import schedule
from regions.models import Region


class Command(NoticesCommand):
    help = (
        "Plan the reminders of today's and tomorrow's visits, and have what is due sent. What can no longer be sent"
        " is named, else it is silent. Safe to run twice and at once."
    )

    def work(self, region: Region, options: Mapping[str, Any]) -> tuple[Mapping[str, int], Iterable[Notice]]:
        done = schedule(region)
        return {"appointments": done.appointments, "jobs": self.enqueue(region)}, done.missed
