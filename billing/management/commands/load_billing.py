"""manage.py load_billing DIR --region R: what the hospital does not give and a claim needs."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.formats import count
from backoffice.runs.command import leave_with, region_named
from backoffice.runs.faults import Misuse
from billing.loading import load


class Command(BaseCommand):
    help = "Loads patients, payers, billing providers, the charge master and diagnoses; each file replaces its table."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="patients.csv, payers.csv, charge_master.csv, …")
        parser.add_argument("--region", required=True, help="name of the region")
        parser.add_argument("--check", action="store_true", help="say what is wrong, and load nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        region, check = region_named(options["region"]), options["check"]
        try:
            loaded = load(options["folder"], region, check=check)
        except Misuse as error:
            if options["json"]:
                self._print(region.name, {}, str(error).splitlines(), loaded=False)
                leave_with(2)
            raise CommandError(f"{error}\nNothing was loaded.", returncode=2) from None
        if options["json"]:
            self._print(region.name, loaded, [], loaded=not check)
        elif sys.stdout.isatty() or options["verbosity"] > 1:
            self.stdout.write("\n".join(f"{name}: {count(rows, 'row')}" for name, rows in loaded.items()))

    def _print(self, region: str, rows: dict[str, int], problems: list[str], *, loaded: bool) -> None:
        said = {"region": region, "loaded": loaded, "rows": rows, "problems": problems}
        self.stdout.write(json.dumps(said, sort_keys=True))
