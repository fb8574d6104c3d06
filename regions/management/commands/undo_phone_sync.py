"""manage.py undo_phone_sync: put back what a phone sync has changed."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from backoffice.runs.command import JobCommand, run_numbered
from regions.sync.scope import UNDO


class Command(JobCommand):
    """Exit status 0: complete and balanced; patients who were changed since stay as they are, and are named."""

    help = "Puts back the phones that a run of sync_phones has changed, where nobody has changed them since."
    job = "sync_phones"
    own = ("run", "mode")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--run", type=int, required=True, metavar="N", help="number of the sync")
        parser.add_argument("--wait", action="store_true", help="run to the end, with a progress bar on a terminal")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        parser.add_argument("--fresh", action="store_true", help="begin again instead of continuing a stopped undo")

    def handle(self, *args: Any, **options: Any) -> None:
        region = run_numbered(options["run"]).region
        if region is None:
            raise CommandError(f"Run {options['run']} is no phone sync: give the number of one.", returncode=2)
        super().handle(*args, **options, region=region.name, mode=UNDO)
