"""Continue a run that was stopped, failed or lost its worker."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.embedded import ensure_queue_server
from backoffice.runs.command import finish, refused, run_numbered
from backoffice.runs.control import AlreadyRunning, restart_run
from backoffice.runs.faults import Misuse
from backoffice.runs.registry import job_named
from backoffice.runs.waiting import queue_is_served


class Command(BaseCommand):
    help = "Continue a run after its last committed chunk, as a new attempt of the same chain."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, help="number of the run")
        parser.add_argument("--from-step", default="", help="undo this step and all later ones first")
        parser.add_argument("--wait", action="store_true", help="run to the end, with a progress bar on a terminal")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        run = run_numbered(options["run"])
        ensure_queue_server()
        try:
            attended = options["wait"] and not queue_is_served(job_named(run.job).queue)
            again = restart_run(run, attended=attended, from_step=options["from_step"])
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
        except AlreadyRunning as error:
            raise refused(error) from None
        finish(self, again, wait=options["wait"], as_json=options["json"])
