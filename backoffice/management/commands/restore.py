"""restore FOLDER: a back-up into an empty home and empty databases."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.backup.restoring import restore
from backoffice.runs.faults import Misuse


class Command(BaseCommand):
    help = (
        "Put a back-up into the databases and the home that the environment names, which are empty. What does not fit"
        " is one line, and nothing is written. Start workers and web only after it."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="of one back-up, such as backups/20261130T021500Z")
        parser.add_argument("--keys", type=Path, metavar="FILE", help="the keys that `backup` wrote beside it")

    def handle(self, *args: Any, folder: Path, keys: Path | None, **options: Any) -> None:
        try:
            found = restore(folder, keys)
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
        except OSError as error:
            raise CommandError(
                f"{error.filename or folder}: {error.strerror}. Empty this place and try again."
            ) from None
        self.stdout.write(f"Restored as it was at {found.taken_at}.")
        if found.elsewhere:
            self.stderr.write(f"Not in it, since they are kept elsewhere: {', '.join(found.elsewhere)}.")
