"""Stop a run after its present chunk."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.runs.command import run_numbered
from backoffice.runs.control import stop_run
from backoffice.runs.faults import Misuse


class Command(BaseCommand):
    help = "Stop a run after its present chunk; restart_run continues it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, help="number of the run")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            stop_run(run_numbered(options["run"]))
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
