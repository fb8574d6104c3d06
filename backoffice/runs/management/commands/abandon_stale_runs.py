"""For cron: end the runs whose worker was lost, and ring again for parts whose bell was."""

from typing import Any

from django.core.management.base import BaseCommand

from backoffice.embedded import ensure_queue_server
from backoffice.runs.control import abandon_stale_runs, ring_again
from backoffice.runs.state import waiting_parts


class Command(BaseCommand):
    help = "Marks runs whose worker was lost as abandoned, so that they can be restarted. Silent when there are none."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if abandoned := abandon_stale_runs():
            self.stdout.write(f"{abandoned} run{'s' if abandoned != 1 else ''} abandoned.")
        if waiting_parts().filter(run__attended=False).exists():
            ensure_queue_server()
            ring_again()
