"""manage.py sync_phones: bring the phone numbers of a region's sheet to its FHIR server."""

from argparse import ArgumentParser

from backoffice.runs.command import JobCommand
from regions.sync.scope import PREVIEW


class Command(JobCommand):
    """Exit status 0: complete and balanced; rows that failed do not change it, the sheet names them."""

    help = "Writes the phone numbers of a region's sheet to its patients, and tells each row what became of it."
    job = "sync_phones"
    own = ("rows", "mode")

    def add_parameters(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rows", metavar="A:B", help="only these rows, as the sheet counts them: 2:500")
        parser.add_argument(
            "--preview",
            dest="mode",
            action="store_const",
            const=PREVIEW,
            help="write nothing, keep what would be written",
        )
