"""manage.py load_claims DIR --region R: stage a day's claim lines and the reference tables that come with them."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.runs.command import region_named
from backoffice.runs.faults import Misuse
from claims.pipeline.load import load


class Command(BaseCommand):
    help = "Stages the claim lines of a folder for the next night; its reference tables replace the region's."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="claim_lines.csv, and the reference tables")
        parser.add_argument("--region", required=True, help="name of the region")

    def handle(self, *args: Any, **options: Any) -> None:
        region = region_named(options["region"])
        try:
            batch = load(options["folder"], region)
        except Misuse as error:
            raise CommandError(f"{error}\nNothing was loaded.", returncode=2) from None
        if sys.stdout.isatty() or options["verbosity"] > 1:
            self.stdout.write(
                f"{batch.lines:,} lines are staged as batch {batch.pk} for the next night of {region.name}."
            )
