"""Rehearse an upgrade from an older revision to this code, and the way back."""

import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.bench.checkout import NoSuchRevision, revision_named
from backoffice.bench.databases import empty_database
from backoffice.bench.processes import BenchFailed
from backoffice.bench.rehearsal import Rehearsal, rehearse


class Command(BaseCommand):
    help = "Rehearse an upgrade and its roll-back in a temporary folder: old and new code side by side on one database."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "old", nargs="?", metavar="OLD_REVISION", help="a tag or commit (the newest tag, or the first parent)"
        )

    def handle(self, *args: Any, old: str | None, **options: Any) -> None:
        try:
            commit = revision_named(old)
        except NoSuchRevision as error:
            raise CommandError(str(error), returncode=2) from None
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # cleans up, as Ctrl-C does
        try:
            failed = self._rehearsed(commit)
        except BenchFailed as error:
            raise CommandError(str(error), returncode=1) from None
        if failed:
            raise CommandError(f"Do not upgrade yet: {failed}.", returncode=1)

    def _rehearsed(self, commit: str) -> str:
        """Say each step; what failed, empty where nothing did."""
        with (
            TemporaryDirectory(prefix="nightward-rehearsal-", ignore_cleanup_errors=True) as folder,
            empty_database(Path(folder)) as (url, name),
        ):
            self.stdout.write(f"From {commit[:12]} to this checkout, on {name}.")
            rehearsal = Rehearsal(Path(folder), url, commit)
            steps = len(rehearsal.steps())
            for number, done in enumerate(rehearse(rehearsal), start=1):
                self.stdout.write(f"{'FAILED' if done.fault else 'ok':<6} {done.seconds:6.1f} s  {done.title}")
                self.stdout.flush()
                if done.fault:
                    left = steps - number
                    self.stdout.write(f"not taken: the {left} steps after it" if left else "it was the last step")
                    return f"{done.title}: {done.fault}"
        return ""
