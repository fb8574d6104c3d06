"""Break nights on purpose, restart them, and compare what they come to with an undisturbed night."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backoffice.bench.databases import NOT_HERE, Postgresql, Sqlite, databases
from backoffice.bench.machine import taken_on
from backoffice.bench.processes import ROOT
from backoffice.home import home_folder
from backoffice.lab.night import FAST, WHOLE, Found, Lab

DATABASES = {"sqlite": Sqlite.name, "postgresql": Postgresql.name}


class Command(BaseCommand):
    help = "Kills and breaks the claims pipeline in every step, restarts it, and writes a report of what came of it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("cases", nargs="*", metavar="CASE", help="T01 to T12 and others by name (all)")
        parser.add_argument("--fast", action="store_true", help="small nights, some of the commit boundaries: minutes")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the generated claims (1)")
        parser.add_argument("--database", action="append", choices=DATABASES, help="may be given again (both)")
        parser.add_argument("--output", type=Path, metavar="FILE", help="the report (failure-lab.md in NIGHTWARD_HOME)")

    def handle(self, *args: Any, cases: list[str], fast: bool, seed: int, **options: Any) -> None:
        home = home_folder(settings.NIGHTWARD_HOME)
        report = options["output"] or home / "failure-lab.md"
        wanted = [DATABASES[name] for name in options["database"] or DATABASES]
        found: list[Found] = []
        with (
            TemporaryDirectory(prefix="lab-", dir=home, ignore_cleanup_errors=True) as folder,
            databases(Path(folder) / "databases", wanted) as here,
        ):
            if len(here) < len(wanted):
                self.stderr.write(NOT_HERE)
            note = taken_on(ROOT, [database.version for database in here])
            for database in here:
                found += Lab(database, FAST if fast else WHOLE, seed, Path(folder), self._say).run(cases)
        report.write_text(as_markdown(found, note, seed), encoding="utf-8")
        wrong = [one for one in found if not one.same]
        self.stdout.write(f"{len(found)} cases, {len(wrong)} came to something else. Report: {report}")
        if wrong:
            raise CommandError(", ".join(f"{one.case.name} on {one.database}" for one in wrong), returncode=1)

    def _say(self, line: str) -> None:
        if sys.stderr.isatty():
            self.stderr.write(line)


def as_markdown(found: list[Found], note: str, seed: int) -> str:
    """One row a case: the digest of everything before and after."""
    columns = ("case", "database", "broken by", "how it ended", "restart, s", "undisturbed", "after", "same")
    lines = [
        "# Failure lab", "", f"{note} Seed {seed}. Written by `manage.py failure_lab` alone.", "",
        f"| {' | '.join(columns)} |", "|---|---|---|---|---:|---|---|---|",
    ]  # fmt: skip
    for one in found:
        cells = (
            one.case.name, one.database, one.case.what, one.how, f"{one.seconds:.1f}", one.before, one.after,
            "yes" if one.same else "NO",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
