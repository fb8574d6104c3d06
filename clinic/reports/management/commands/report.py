"""manage.py report: make a report of a region and a period, and write it to a file."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from backoffice.runs.command import JobCommand, region_named
from backoffice.runs.models import Run
from clinic.reports import jobs, making
from clinic.reports.models import Report
from clinic.reports.registry import KINDS


class Command(JobCommand):
    """Exit status 0: the report is stored, and written where --output says so."""

    help = "Makes a report; with --output it is written to a file that this user alone may read."
    job = "report"
    own = ("kind", "format", "from", "to")

    def add_parameters(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kind", required=True, help=f"one of: {', '.join(KINDS)}")
        parser.add_argument("--from", required=True, metavar="DAY", help="first day, as 2026-11-01")
        parser.add_argument("--to", required=True, metavar="DAY", help="day after the last one")
        parser.add_argument("--format", default="csv", choices=sorted(making.MOST_ROWS))
        parser.add_argument("--output", metavar="FILE", help="write it there; waits for it")

    def handle(self, *args: Any, **options: Any) -> None:
        output = options["output"]
        super().handle(*args, **{**options, "wait": options["wait"] or bool(output)})
        if output:
            region = region_named(options["region"])
            told = jobs.parameters(region, {name: options[name] for name in self.own})
            run = Run.objects.filter(job=self.job, key=jobs.key(region, told)).latest("pk")
            write(Report.objects.filter(run__chain=run.chain).latest("pk"), Path(output))


def write(report: Report, path: Path) -> None:
    """For this user alone, also where the file was there before."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines(report.content())
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "it cannot be written"
        raise CommandError(f"{path}: {reason}. The report is stored, and on the page Reports.", returncode=2) from None
