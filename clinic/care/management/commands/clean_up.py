"""For cron, every night: end expired holds, forget sent events, delete finished items of runs and unfinished videos."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from backoffice.runs.command import region_named
from clinic.care.cleaning import clean_all, clean_region
from regions.models import Region


class Command(BaseCommand):
    help = (
        "Ends expired holds, forgets sent events (EVENTS_KEPT_DAYS), texts of settled messages from outside "
        "(INBOUND_KEPT_DAYS), finished items of runs (RUN_ITEMS_KEPT_DAYS) and "
        "answers to repeated requests (ANSWERS_KEPT_HOURS), and deletes videos that were not finished "
        "(UPLOAD_KEPT_HOURS). Never other rows of patients, nor of money. Silent, unless asked."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", help="only this region; without it all of them, and what belongs to none")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        regions = [region_named(options["region"])] if options["region"] else list(Region.objects.all())
        found = {region.name: dict(clean_region(region).as_counts()) for region in regions}
        if not options["region"]:
            found["(all)"] = dict(clean_all().as_counts())
        if options["json"]:
            self.stdout.write(json.dumps(found, sort_keys=True))
