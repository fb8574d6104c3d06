"""manage.py run_pipeline: the six steps of a night, begun or continued."""

from argparse import ArgumentParser

from backoffice.runs.command import JobCommand


class Command(JobCommand):
    """Exit status 0: every step is complete and verified; rejected and denied claims do not change it."""

    help = "Runs the day's claims through extract, validate, enrich, price, adjudicate and remit."
    job = "run_pipeline"
    own = ("run_date", "partitions")

    def add_parameters(self, parser: ArgumentParser) -> None:
        parser.add_argument("--run-date", metavar="DATE", required=True, help="the night, by the day it begins on")
        parser.add_argument("--partitions", type=int, help="parts that members are divided into from enrich on (1)")
