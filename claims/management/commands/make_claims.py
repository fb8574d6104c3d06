"""manage.py make_claims: a folder of generated claims, for trials and benchmarks."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.formats import count
from backoffice.runs.faults import Misuse
from backoffice.runs.parameters import day
from claims.pipeline.generate import generate

MOST_A_LINE, ANYHOW = 10, 100_000  # providers


class Command(BaseCommand):
    help = "Writes generated claim lines and their reference tables into a folder that load_claims can load."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--lines", type=int, required=True, metavar="N", help="claim lines")
        parser.add_argument("--seed", type=int, required=True, metavar="S", help="the same seed, the same folder")
        parser.add_argument("--providers", type=int, metavar="P", help="providers (one in 200 lines)")
        parser.add_argument("--run-date", default="2024-01-15", metavar="DATE", help="served up to then (2024-01-15)")
        parser.add_argument("--output", type=Path, default=Path("claims-made"), metavar="DIR", help="(claims-made)")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("lines", "providers"):
            if options[name] is not None and options[name] < 1:
                raise CommandError(f"--{name} is a whole number from 1.", returncode=2)
        if (options["providers"] or 0) > (most := max(ANYHOW, options["lines"] * MOST_A_LINE)):
            raise CommandError(f"--providers is at most {most:,} for {count(options['lines'], 'line')}.", returncode=2)
        try:
            run_date = day({"--run-date": options["run_date"]}, "--run-date")
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
        try:
            sizes = {name: options[name] for name in ("lines", "providers")}
            generate(options["output"], **sizes, seed=options["seed"], run_date=run_date)
        except OSError as error:
            raise CommandError(f"Cannot write into {options['output']}: {error.strerror}.", returncode=2) from None
