"""For cron, every night: forget the patient data of phone syncs that ended long ago."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from backoffice.formats import count
from backoffice.runs.command import region_named
from regions.models import Region
from regions.sync.retention import Forgotten, forget, forgettable


class Command(BaseCommand):
    help = (
        "Deletes rows, changes and settled undeliverable numbers of syncs that ended PHONE_KEPT_DAYS ago: these can no "
        "longer be undone. Silent, unless asked."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", help="only this region; without it, all of them")
        parser.add_argument("--days", type=int, help=f"instead of PHONE_KEPT_DAYS, now {settings.PHONE_KEPT_DAYS}")
        parser.add_argument("--preview", action="store_true", help="delete nothing, say what would be deleted")
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        days = settings.PHONE_KEPT_DAYS if options["days"] is None else options["days"]
        if days < 1:
            raise CommandError("Days are 1 or more: correct --days, or PHONE_KEPT_DAYS.", returncode=2)
        regions = [region_named(options["region"])] if options["region"] else list(Region.objects.all())
        before = timezone.now() - timedelta(days=days)
        take = forgettable if options["preview"] else forget
        found = {region.name: take(region, before) for region in regions}
        if options["json"]:
            self.stdout.write(json.dumps({name: asdict(one) for name, one in found.items()}, sort_keys=True))
        elif options["preview"] or self.stdout.isatty() or options["verbosity"] > 1:
            verb = "would be forgotten" if options["preview"] else "forgotten"
            for name, one in found.items():
                self.stdout.write(f"{name}: {_in_words(one)} of syncs before {before:%Y-%m-%d} {verb}")


def _in_words(one: Forgotten) -> str:
    changes, numbers = count(one.changes, "change"), count(one.numbers, "undeliverable number")
    return f"{count(one.rows, 'row')}, {changes} and {numbers}"
