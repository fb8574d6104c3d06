"""manage.py claim_services: make claims of recovered and loaded services, and judge them."""

from argparse import ArgumentParser

from backoffice.runs.command import JobCommand


class Command(JobCommand):
    """Exit status 0: complete and balanced; what is unclaimable or refused does not change it."""

    help = "Makes claims of the services that were recovered or loaded, and says of the rest what is missing or wrong."
    job = "claim_services"
    own = ("chunk",)

    def add_parameters(self, parser: ArgumentParser) -> None:
        parser.add_argument("--chunk", type=int, help="services or claims committed together (200, at most 1,000)")
