"""For cron: end the runs whose worker was lost, and ring again for parts whose bell was."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.runs.bell import require_queue
from backoffice.runs.control import abandon_stale_runs, ring_again
from backoffice.runs.job import Misuse


class Command(BaseCommand):
    help = (
        "Mark runs whose worker was lost as abandoned, so that they can be restarted. Says nothing when there are none."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if abandoned := abandon_stale_runs():
            self.stdout.write(f"{abandoned} run{'s' if abandoned != 1 else ''} abandoned.")
        try:
            require_queue()
            ring_again()
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
