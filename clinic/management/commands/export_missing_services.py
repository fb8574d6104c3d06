"""manage.py export_missing_services: what a run recovered and what it could not, as a file."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.exports import csv_lines, write_xlsx
from backoffice.runs.command import run_numbered
from backoffice.runs.models import Run
from clinic.export import RUN_COLUMNS, run_rows


class Command(BaseCommand):
    """One row per recovered, partially recovered or failed appointment of the run's chain, by (start, id)."""

    help = "Writes the appointments that a recovery run recovered, or could not, to standard output or a file."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--run", type=int, required=True, metavar="N", help="number of the run")
        parser.add_argument("--format", choices=("csv", "xlsx"), default="csv")
        parser.add_argument("--output", type=Path, metavar="FILE", help="standard output otherwise")

    def handle(self, *args: Any, **options: Any) -> None:
        run = run_numbered(options["run"])
        if run.job != "recover_services":
            raise CommandError(f"Run {run.pk} is no recovery ({run.job}): it has no missing services.", returncode=2)
        if options["output"] is None:
            self._write(run, options["format"], sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        try:
            with options["output"].open("wb") as file:
                self._write(run, options["format"], file)
        except OSError as error:
            raise CommandError(f"Cannot write {options['output']}: {error.strerror}.", returncode=2) from None

    def _write(self, run: Run, format: str, file: IO[bytes]) -> None:
        if format == "xlsx":
            with TemporaryFile() as book:  # a pipe cannot go back, as the writer of a workbook does
                write_xlsx(book, RUN_COLUMNS, run_rows(run))
                book.seek(0)
                copyfileobj(book, file)
            return
        for line in csv_lines(RUN_COLUMNS, run_rows(run)):
            file.write(line.encode())
