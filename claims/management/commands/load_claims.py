"""manage.py load_claims DIR --region R: stage a day's claim lines and the reference tables that come with them."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.formats import count
from backoffice.runs.command import region_named
from backoffice.runs.faults import Misuse
from claims.pipeline.lines import LINES
from claims.pipeline.load import Loaded, load
from regions.models import Region

NOTHING_WAITS = "nothing more waits for the next night."


class Command(BaseCommand):
    help = "Stages a folder's claim lines for the next night; the reference tables in it replace the region's."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="claim_lines.csv, reference tables, or both")
        parser.add_argument("--region", required=True, help="name of the region")

    def handle(self, *args: Any, **options: Any) -> None:
        region = region_named(options["region"])
        try:
            loaded = load(options["folder"], region)
        except Misuse as error:
            raise CommandError(f"{error}\nNothing was loaded.", returncode=2) from None
        if sys.stdout.isatty() or options["verbosity"] > 1:
            self.stdout.write("\n".join(said(loaded, region)))
        elif loaded.batch is None and (options["folder"] / LINES).is_file():
            self.stdout.write(f"{LINES} has no line: {NOTHING_WAITS}")  # somebody expected some


def said(loaded: Loaded, region: Region) -> Iterator[str]:
    """What was loaded, a line for each table, and what waits for the next night now."""
    for name, rows in loaded.rows.items():
        yield f"{name}: {count(rows, 'row')}"
    if loaded.batch is None:
        yield f"No claim lines: {NOTHING_WAITS}"
    else:
        batch = f"batch {loaded.batch.pk} for the next night of {region.name}"
        yield f"{LINES}: {count(loaded.batch.lines, 'line')}, {batch}"
