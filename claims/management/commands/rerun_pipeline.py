"""manage.py rerun_pipeline: the nights of a range, undone and run again."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from backoffice.runs.command import JobCommand, region_named
from backoffice.runs.control import abandon_stale_runs
from backoffice.runs.faults import Misuse
from backoffice.runs.parameters import day
from claims.again import nights_between
from claims.jobs import range_parameters
from claims.preview import as_json, in_words, standing, total_in_words


class Command(JobCommand):
    """Exit status 0: every night of the range is complete. The same command goes on after one that failed, was stopped
    or lost its worker."""

    help = "Undoes the nights of a range, the latest first, and runs them again in the order of their dates."
    job = "rerun_pipeline"
    own = ("from", "to", "partitions")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", required=True, help="name of the region")
        parser.add_argument("--from", required=True, metavar="DATE", help="the first night, as 2026-11-21")
        parser.add_argument("--to", required=True, metavar="DATE", help="the last night, which is run again as well")
        parser.add_argument(
            "--partitions", type=int, help="parts that members are divided into (as each night has now)"
        )
        parser.add_argument("--preview", action="store_true", help="change nothing, say what would be undone")
        parser.add_argument("--wait", action="store_true", help="run to the end, with a progress bar on a terminal")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        parser.add_argument("--fresh", action="store_true", help="undo all of them again, also after a failed attempt")

    def handle(self, *args: Any, **options: Any) -> None:
        abandon_stale_runs()
        if options["preview"]:
            self._preview(options)
        else:
            super().handle(*args, **options)

    def _preview(self, options: dict[str, Any]) -> None:
        region = region_named(options["region"])
        given = {name: options[name] for name in self.own if options[name] is not None}
        try:
            parameters = range_parameters(region, given)
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
        first, last = day(parameters, "from"), day(parameters, "to")
        nights = [standing(night) for night in nights_between(region.pk, first, last).order_by("run_date")]
        if options["json"]:
            found = {"region": region.name, **parameters, "nights": [as_json(each) for each in nights]}
            self.stdout.write(json.dumps(found, sort_keys=True))
            return
        for each in nights:
            self.stdout.write(in_words(each))
        self.stdout.write(f"{total_in_words(nights)} Nothing was changed.")
