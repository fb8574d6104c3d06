"""manage.py undo_pipeline: take a region's latest night back, accumulators and all."""

from argparse import ArgumentParser
from typing import Any

from backoffice.runs.command import JobCommand
from backoffice.runs.control import abandon_stale_runs
from claims.management.commands.export_pipeline import night_named


class Command(JobCommand):
    """Exit status 0: the night is undone. The same command goes on after one that was stopped or lost its worker."""

    help = "Undoes the latest night of a region: outputs are deleted, accumulators put back."
    job = "undo_pipeline"
    own = ("run_date", "release")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", required=True, help="name of the region")
        parser.add_argument("--run-date", required=True, metavar="DATE", help="the night, as 2026-11-21")
        parser.add_argument(
            "--release",
            action="store_true",
            help="let its lines wait for the next night again and free its date, as if it had never begun",
        )
        parser.add_argument("--wait", action="store_true", help="undo it now, with a progress bar on a terminal")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        parser.add_argument("--fresh", action="store_true", help="begin again instead of continuing a stopped undo")

    def handle(self, *args: Any, **options: Any) -> None:
        night_named(options["region"], options["run_date"])
        abandon_stale_runs()
        super().handle(*args, **options)
