"""manage.py undo_pipeline: take a region's latest night back, accumulators and all."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.runs.control import undo_run
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run
from claims.management.commands.export_pipeline import night_named


class Command(BaseCommand):
    help = "Undoes the latest night of a region: outputs are deleted, accumulators put back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", required=True, help="name of the region")
        parser.add_argument("--run-date", required=True, metavar="DATE", help="the night, as 2026-11-21")

    def handle(self, *args: Any, **options: Any) -> None:
        night = night_named(options["region"], options["run_date"])
        try:
            undo_run(Run.objects.filter(chain=night.chain).latest("attempt"))
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
