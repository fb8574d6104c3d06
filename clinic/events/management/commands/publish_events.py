"""For cron, and with --every as a worker: what was recorded goes to the consumers' stream and sets jobs off."""

import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.embedded import ensure_queue_server
from backoffice.presence import present
from backoffice.runs.command import region_named
from clinic.events import stream
from clinic.events.patience import on_signals, patiently
from clinic.events.publishing import publish_events


class Command(BaseCommand):
    help = "Publish recorded events and enqueue the jobs they call for. Safe to run twice and at once. Silent."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", help="only the events of this region")
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on, with so many seconds in between")

    def handle(self, *args: Any, region: str | None, every: float | None, **options: Any) -> None:
        if every is not None and every <= 0:
            raise CommandError("--every is a number of seconds above 0.", returncode=2)
        only = region_named(region) if region else None
        ensure_queue_server()
        with stream.connect() as client:
            if every is None:
                publish_events(client, only)
                return
            stop = threading.Event()
            on_signals(stop.set)
            with present("publisher", stop.set):
                while not stop.is_set():
                    patiently(lambda: publish_events(client, only), stop)
                    stop.wait(every)
