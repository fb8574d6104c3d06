"""The clock of the system: what cron would start, started here, or one command of it for all of its regions."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.deploy.clock import Clock
from backoffice.deploy.crontab import entries, entry_named
from backoffice.embedded import ensure_queue_server
from backoffice.runs.command import leave_with
from backoffice.runs.faults import Misuse
from clinic.events.patience import on_signals


class Command(BaseCommand):
    help = (
        "Start each command of the schedule when it is due, until SIGTERM or Ctrl-C. With names: start these now, once,"
        " for each region that expects them. What still runs is not started again; what failed is logged."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("commands", nargs="*", metavar="COMMAND", help="start only these, once, and end")
        parser.add_argument("--list", action="store_true", help="print the schedule as cron writes it, in UTC, and end")

    def handle(self, *args: Any, commands: list[str], **options: Any) -> None:
        if options["list"]:
            for entry in entries():
                self.stdout.write(f"{entry.cron:<16}  {entry.command}")
            return
        try:
            chosen = [entry_named(command) for command in commands]
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
        ensure_queue_server()
        clock = Clock()
        on_signals(clock.stop.set)
        if not chosen:
            clock.run()
        elif clock.run_once([line for entry in chosen for line in entry.lines()]):
            leave_with(1)
