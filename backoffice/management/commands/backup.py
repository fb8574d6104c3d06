"""backup FOLDER: the databases, the files and, apart, the keys; beside whatever runs."""

import sqlite3
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backoffice import audit
from backoffice.backup.taking import KEYS, forget, take
from backoffice.runs.faults import Misuse
from regions.models import Region


class Command(BaseCommand):
    help = (
        "Write a back-up into FOLDER, under the present time: every database at one moment, the files, a manifest with"
        " the SHA-256 of each. The keys go into a file beside it: keep that one elsewhere. Older ones are deleted"
        " (BACKUPS_KEPT_DAYS), never the newest."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="where back-ups are kept; made where it is missing")
        parser.add_argument(
            "--no-keys", action="store_true", help="leave the keys out: they are kept elsewhere already"
        )

    def handle(self, *args: Any, folder: Path, no_keys: bool, **options: Any) -> None:
        for region in Region.objects.order_by("pk"):
            audit.record_view(region, export="backup")
        try:
            made = take(folder, with_keys=not no_keys)
            forget(folder, days=settings.BACKUPS_KEPT_DAYS, say=self.stdout.write)
        except Misuse as error:
            raise CommandError(str(error), returncode=1) from None
        except FileExistsError as error:
            raise CommandError(f"{error.filename} is there already: another back-up began this second.") from None
        except (psycopg.Error, sqlite3.Error) as error:
            raise CommandError(
                f"A database broke off ({type(error).__name__}). Nothing was kept.", returncode=1
            ) from None
        except OSError as error:
            raise CommandError(
                f"{error.filename or folder}: {error.strerror}. Nothing was kept.", returncode=1
            ) from None
        self.stdout.write(str(made))
        if not no_keys:
            keys = made.with_name(made.name + KEYS)
            self.stderr.write(f"The keys are in {keys}: move it elsewhere, for who has both can read every secret.")
