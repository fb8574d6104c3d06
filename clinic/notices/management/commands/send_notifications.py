"""For cron, every minute: what is due is sent by jobs of the queue "notifications"; offers that nobody took go on."""

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any

from clinic.booking.desk import expire_holds
from clinic.notices.command import NoticesCommand
from clinic.notices.models import Notice
from clinic.notices.scheduling import close_late
from clinic.notices.sending import send_due
from regions.models import Region


class Command(NoticesCommand):
    help = (
        "Have the notifications sent that are due, and what the waitlist offered to who did not take it in time offered"
        " to the next in line. What has become too late is named, else it is silent. Safe to run twice and at once:"
        " each row is sent once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--here", action="store_true", help="send in this process instead of the queue's workers")

    def work(self, region: Region, options: Mapping[str, Any]) -> tuple[Mapping[str, int], Iterable[Notice]]:
        # First, so that an offer that is over is not told. One look at an index where none is.
        ended = expire_holds(region)
        late = close_late(region)
        figures = {"handed_over": send_due(region)} if options["here"] else {"jobs": self.enqueue(region)}
        return {**figures, "holds_ended": ended}, late
