"""clean_phone TEXT: what the phone sync makes of a cell's text."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.runs.command import leave_with
from regions.phones import clean, countries


class Command(BaseCommand):
    help = "Print a number as E.164: exit status 0; or the reason why the text is none, and 1."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("text", help='the cell as it stands in the sheet; after "--" where it begins with a dash')
        parser.add_argument("--country", default="ID", metavar="CC", help="whose numbers have no plus; default ID")
        parser.add_argument("--json", action="store_true", help="print e164, reason and rules as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        country = options["country"].upper()
        if country not in countries():
            raise CommandError("--country must be a country's ISO 3166 code, such as ID or US", returncode=2)
        phone = clean(options["text"], country)
        self.stdout.write(json.dumps(asdict(phone)) if options["json"] else phone.e164 or phone.reason)
        if not phone.e164:
            leave_with(1)
