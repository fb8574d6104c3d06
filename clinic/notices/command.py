"""What cron's three commands of the notifications share."""

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.management.base import BaseCommand

from backoffice.embedded import ensure_queue_server
from backoffice.runs.command import region_named
from clinic.notices.jobs import enqueue_sending
from clinic.notices.models import Notice
from clinic.notices.reporting import missed_lines, tell
from regions.models import Region


class NoticesCommand(BaseCommand):
    """Works one region and names what it could not have sent any more; safe to run twice and at once."""

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", required=True, help="name of the region")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        figures, missed = self.work(region_named(options["region"]), options)
        tell(self, figures, missed_lines(missed), as_json=options["json"])

    def work(self, region: Region, options: Mapping[str, Any]) -> tuple[Mapping[str, int], Iterable[Notice]]:
        """Its figures, and what was not sent."""
        raise NotImplementedError

    def enqueue(self, region: Region) -> int:
        """How many jobs were put on the queue, which the bundled server holds where there is no other."""
        ensure_queue_server()
        return enqueue_sending(region)
