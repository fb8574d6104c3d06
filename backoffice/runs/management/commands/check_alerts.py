"""For cron, every minute: raise, clear and send alerts."""

from typing import Any

from django.core.management.base import BaseCommand

from backoffice.runs.alerts import check_alerts


class Command(BaseCommand):
    help = "Raise alerts for what is wrong now, clear those that are right again, send what was not sent. Silent."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        check_alerts()
