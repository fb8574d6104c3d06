"""manage.py export_pipeline: what a night came to, as CSV files in a folder, and its 835s."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.runs.command import region_named
from backoffice.runs.faults import Misuse, RunEnds
from backoffice.runs.parameters import day
from claims.models import Night
from claims.pipeline.export import export


class Command(BaseCommand):
    help = "Writes adjudicated.csv, rejected.csv, accumulators.csv, remittances.csv and a remittance for each provider."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", required=True, help="name of the region")
        parser.add_argument("--run-date", required=True, metavar="DATE", help="the night, as 2026-11-21")
        parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="made where it is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        night = night_named(options["region"], options["run_date"])
        if not night.complete:
            raise CommandError(f"The night of {night.run_date} is not complete: nothing of it is final.", returncode=1)
        try:
            export(night, options["output"])
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
        except RunEnds as error:
            raise CommandError(f"{error} What was exported before stays incomplete.", returncode=1) from None
        except OSError as error:
            raise CommandError(f"Cannot write into {options['output']}: {error.strerror}.", returncode=2) from None


def night_named(region_name: str, text: str) -> Night:
    """The night, or a CommandError that lists the latest there are."""
    region = region_named(region_name)
    try:
        run_date = day({"--run-date": text}, "--run-date")
    except Misuse as error:
        raise CommandError(str(error), returncode=2) from None
    night = Night.objects.select_related("region").filter(region=region, run_date=run_date).first()
    if night is None:
        latest = ", ".join(str(night.run_date) for night in Night.objects.filter(region=region)[:5]) or "none yet"
        raise CommandError(f"{region.name} has no night of {run_date}. Latest: {latest}.", returncode=2)
    return night
