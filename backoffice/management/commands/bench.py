"""Measure what docs/benchmarks.md says, on this machine."""

import shutil
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backoffice.bench import (
    claims,
    claims_huge,
    claims_restarts,
    edi_pay,
    edi_read,
    edi_write,
    load,
    memory,
    recovery,
    soak,
    sync,
    worklist,
)
from backoffice.bench.databases import NOT_HERE, Postgresql, Sqlite, databases
from backoffice.bench.document import write
from backoffice.bench.machine import taken_on
from backoffice.bench.plan import QUICK, WHOLE, Bench, Sizes
from backoffice.bench.processes import ROOT, BenchFailed
from backoffice.bench.tables import Section
from backoffice.home import home_folder

SECTIONS = {
    "recovery": (recovery.measure,),
    "memory": (memory.measure,),
    "worklist": (worklist.measure,),
    "claims": (claims.measure,),
    "restarts": (claims_restarts.measure,),
    "sync": (sync.measure,),
    "edi": (edi_read.measure, edi_write.measure, edi_pay.measure),
    "load": (load.measure,),
    "soak": (soak.measure,),
    "huge": (claims_huge.measure,),
}
HUGE, HUGE_DISK = "huge", 60 * 10**9
USUAL = [name for name in SECTIONS if name != HUGE]
DATABASES = {"sqlite": Sqlite.name, "postgresql": Postgresql.name}


def minutes(text: str) -> float:
    """A number of minutes above 0, at most a day."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 24 * 60:
        raise ArgumentTypeError(f"{text!r} is not a number of minutes above 0, at most a day's")
    return number


class Command(BaseCommand):
    help = "Measure recovery, memory, the worklist, nights, phone syncs, EDI and the API under load; print tables."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)} (all but huge)")
        parser.add_argument("--database", action="append", choices=DATABASES, help="may be given again (both)")
        parser.add_argument("--quick", action="store_true", help="everything small, in a minute: does it work at all?")
        parser.add_argument(
            "--minutes", type=minutes, help="how long load replays a day's bookings, and how long the soak takes (60)"
        )
        parser.add_argument("--write", action="store_true", help="put the sections into docs/benchmarks.md as well")

    def handle(self, *args: Any, sections: list[str], quick: bool, **options: Any) -> None:
        unknown = ", ".join(sorted(set(sections) - set(SECTIONS)))
        if unknown:
            raise CommandError(f"No section is called {unknown}. Sections: {', '.join(SECTIONS)}.", returncode=2)
        if options["write"] and (quick or options["database"]):
            raise CommandError("--write keeps whole measurements only: leave out --quick and --database.", returncode=2)
        home = home_folder(settings.NIGHTWARD_HOME)
        if HUGE in sections and not quick and shutil.disk_usage(home).free < HUGE_DISK:
            raise CommandError(f"{HUGE} needs 60 GB of room at {home}.", returncode=2)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # cleans up, as Ctrl-C does
        wanted = [DATABASES[name] for name in options["database"] or DATABASES]
        try:
            sizes = QUICK if quick else WHOLE
            if options["minutes"]:
                sizes = replace(sizes, load_minutes=options["minutes"], soak_minutes=options["minutes"])
            found = self._measure(sections or USUAL, wanted, sizes, keep=options["write"])
        except BenchFailed as error:
            raise CommandError(str(error), returncode=1) from None
        faults = [fault for section in found for fault in section.faults]
        if faults:
            raise CommandError("\n".join(("What had to hold did not:", *faults)), returncode=1)

    def _measure(self, names: Sequence[str], wanted: Sequence[str], sizes: Sizes, *, keep: bool) -> list[Section]:
        """The sections, each printed and kept as soon as it is there: a later one that fails costs it nothing."""
        found = []
        home = home_folder(settings.NIGHTWARD_HOME)
        with (
            TemporaryDirectory(prefix="bench-", dir=home, ignore_cleanup_errors=True) as folder,
            databases(Path(folder), wanted) as here,
        ):
            if len(here) < len(wanted):
                self._say(NOT_HERE)
            if not here:
                raise CommandError("There is no database to measure on.", returncode=2)
            note = taken_on(ROOT, [database.version for database in here])
            bench = Bench(folder=Path(folder), databases=here, sizes=sizes, say=self._say)
            for measure in (measure for name in names for measure in SECTIONS[name]):
                section = measure(bench).with_note(note)
                self.stdout.write("\n".join([*section.lines(), "", ""]))
                self.stdout.flush()
                if keep:
                    write(ROOT / "docs" / "benchmarks.md", [section])
                found.append(section)
        return found

    def _say(self, line: str) -> None:
        self.stderr.write(line)
        self.stderr.flush()
