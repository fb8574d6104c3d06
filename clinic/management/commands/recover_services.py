"""manage.py recover_services: find the services that were never billed, and bill them."""

from argparse import ArgumentParser

from backoffice.runs.command import JobCommand
from clinic.recovery.scope import PREVIEW


class Command(JobCommand):
    """Exit status 0: complete and balanced; failed appointments do not change it."""

    help = (
        "Finds finished appointments whose services were never billed, bills them, and says why the rest could not be."
    )
    job = "recover_services"
    own = ("from", "to", "days", "window", "chunk", "mode")

    def add_parameters(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", metavar="DATE", help="first day, as 2026-11-21")
        parser.add_argument("--to", metavar="DATE", help="the day after the last")
        parser.add_argument("--days", type=int, help="instead of --from and --to: the last DAYS days, up to yesterday")
        parser.add_argument("--window", type=int, help="days worked together (7)")
        parser.add_argument("--chunk", type=int, help="appointments counted and committed together (200, at most 200)")
        parser.add_argument(
            "--preview",
            dest="mode",
            action="store_const",
            const=PREVIEW,
            help="write nothing, say what would be written",
        )
