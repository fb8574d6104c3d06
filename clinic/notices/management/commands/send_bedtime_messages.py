"""For cron, every minute [S3-16]: the message of the day of each enrolled patient whose time has come."""

from collections.abc import Iterable, Mapping
from typing import Any

from clinic.notices.bedtime import plan_bedtime
from clinic.notices.command import NoticesCommand
from clinic.notices.models import Notice
from regions.models import Region


class Command(NoticesCommand):
    help = (
        "Send the bed time message of each patient whose time has come, once a day. Days that were missed are named,"
        " else it is silent. Safe to run twice and at once."
    )

    def work(self, region: Region, options: Mapping[str, Any]) -> tuple[Mapping[str, int], Iterable[Notice]]:
        missed = plan_bedtime(region)
        return {"jobs": self.enqueue(region)}, missed
