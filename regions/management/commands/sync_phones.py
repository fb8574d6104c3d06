"""manage.py sync_phones: bring the phone numbers of a region's sheet to its FHIR server."""

from argparse import ArgumentParser, ArgumentTypeError

from backoffice.runs.command import JobCommand
from regions.sync.scope import PREVIEW


def failures_of(text: str) -> dict[str, int]:
    """The job's parameter."""
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError("give the number of the run whose failed rows are to be synced once more, such as 17")
    return {"failures_of": int(text)}


class Command(JobCommand):
    """Exit status 0: complete and balanced; rows that failed do not change it, the sheet names them."""

    help = "Writes the phone numbers of a region's sheet to its patients, and tells each row what became of it."
    job = "sync_phones"
    own = ("rows", "mode", "only")

    def add_parameters(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rows", metavar="A:B", help="only these rows, as the sheet counts them: 2:500")
        parser.add_argument(
            "--failed-of",
            dest="only",
            type=failures_of,
            metavar="RUN",
            help="only the rows that failed in this run, wherever they are now",
        )
        parser.add_argument(
            "--preview",
            dest="mode",
            action="store_const",
            const=PREVIEW,
            help="write nothing, keep what would be written",
        )
