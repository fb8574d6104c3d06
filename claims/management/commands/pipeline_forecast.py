"""manage.py pipeline_forecast: when tonight's claims will be done, and when the window will be full."""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from backoffice.runs.command import region_named
from backoffice.runs.job import Json
from backoffice.runs.models import Run
from claims import advice_words
from claims.forecast import forecast
from claims.forecast_words import as_json, in_words
from claims.jobs import RUN_PIPELINE
from claims.measured import advice_of
from claims.models import StagedBatch
from claims.window import run_date_at
from regions.models import Region


class Command(BaseCommand):
    help = "Says when each region's night will be done, its slack to 04:00, and what each way to go on comes to."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", help="name of the region; all of them otherwise")
        parser.add_argument(
            "--advise",
            action="store_true",
            help="say as well what each step's commit frequency costs, and a better one",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        regions = [region_named(options["region"])] if options["region"] else list(Region.objects.all())
        nights = [
            forecast(region, run_date) for region in regions if (run_date := night_in_question(region)) is not None
        ]
        advised = {region.name: advice_of([region]) for region in regions} if options["advise"] else {}
        if options["json"]:
            found: Json = {"nights": [as_json(night) for night in nights]}
            if advised:
                found["advice"] = {
                    name: [advice_words.as_json(step, each) for step, each in steps.items()]
                    for name, steps in advised.items()
                }
            self.stdout.write(json.dumps(found, sort_keys=True))
            return
        for night in nights:
            self.stdout.write(in_words(night))
        for name, steps in advised.items():
            self.stdout.write(f"{name}, commit frequencies:")
            for step, each in steps.items():
                self.stdout.write(advice_words.in_words(step, each))
        if not nights:
            self.stdout.write("No night has been run and no claims are staged. Load them: manage.py load_claims DIR.")


def night_in_question(region: Region) -> date | None:
    """The night that claims wait for, unless one is under way; else the last that was run."""
    last = Run.objects.filter(job=RUN_PIPELINE.name, region=region).first()
    tonight = run_date_at(timezone.now(), region.zone)
    if StagedBatch.waiting_for(region, tonight).exists() and not (last and last.live):
        return tonight
    return date.fromisoformat(last.parameters["run_date"]) if last else None
