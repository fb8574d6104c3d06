"""Break nights on purpose, restart them, and compare what they come to with an undisturbed night."""

import shlex
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backoffice.bench.databases import NOT_HERE, Postgresql, Sqlite, databases
from backoffice.home import home_folder
from backoffice.lab.night import FAST, WHOLE
from backoffice.lab.places import Place, places_on
from backoffice.lab.whole import Whole

DATABASES = {"sqlite": Sqlite.name, "postgresql": Postgresql.name}
# It is our processes that are killed, never the server; hundreds of databases are made and dropped.
NO_SYNC = ("-c", "fsync=off")


class Command(BaseCommand):
    help = "Kills and breaks the claims pipeline in every step, restarts it, and writes a report of what came of it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "cases", nargs="*", metavar="CASE", help='T01 to T12 and others by name, "boundaries": the commits (all)'
        )
        parser.add_argument("--fast", action="store_true", help="small nights, some of the commits: minutes")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the generated claims (1)")
        parser.add_argument("--database", action="append", choices=DATABASES, help="may be given again (both)")
        parser.add_argument("--one", action="store_true", help="accumulators always in the database of the work")
        parser.add_argument("--jobs", type=int, default=1, metavar="N", help="databases at once (1)")
        parser.add_argument("--report", type=Path, metavar="STEM", help="STEM.json and STEM.html (in NIGHTWARD_HOME)")

    def handle(self, *args: Any, cases: list[str], fast: bool, seed: int, **options: Any) -> None:
        stem = options["report"] or home_folder(settings.NIGHTWARD_HOME) / "failure-lab"
        self._aloud = sys.stderr.isatty() or options["verbosity"] > 1
        with self._places(options) as (folder, places):
            made = Whole(
                places=places, size=FAST if fast else WHOLE, seed=seed, folder=folder, stem=stem, say=self._say,
                command=_command(cases, fast, seed, options), names=cases,
            ).run(options["jobs"])  # fmt: skip
        wrong = [case for case in made["cases"] if not case["passed"]]
        self.stdout.write(f"{len(made['cases'])} cases, {len(wrong)} failed. Report: {stem}.html")
        if wrong:
            raise CommandError(", ".join(f"{case['name']} on {case['place']}" for case in wrong), returncode=1)

    @contextmanager
    def _places(self, options: dict[str, Any]) -> Iterator[tuple[Path, list[Place]]]:
        wanted = [DATABASES[name] for name in options["database"] or DATABASES]
        home = home_folder(settings.NIGHTWARD_HOME)
        with (
            TemporaryDirectory(prefix="lab-", dir=home, ignore_cleanup_errors=True) as folder,
            databases(Path(folder) / "databases", wanted, options=NO_SYNC) as here,
        ):
            if len(here) < len(wanted):
                self.stderr.write(NOT_HERE)
            with places_on(here, Path(folder), own=not options["one"]) as places:
                yield Path(folder), places

    def _say(self, line: str) -> None:
        if self._aloud:
            self.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {threading.current_thread().name[-1]} {line}")


def _command(cases: list[str], fast: bool, seed: int, options: dict[str, Any]) -> str:
    words = ["manage.py", "failure_lab", *map(shlex.quote, cases), *(["--fast"] if fast else []), f"--seed {seed}"]
    words += [f"--database {name}" for name in options["database"] or ()]
    return " ".join([*words, *(["--one"] if options["one"] else []), f"--jobs {options['jobs']}", "--report STEM"])
