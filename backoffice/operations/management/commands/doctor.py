import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from backoffice.formats import count
from backoffice.operations.doctor import findings
from backoffice.runs.command import leave_with


class Command(BaseCommand):
    help = "Say in one page what is wrong and what to do. Status 1 where anything is; changes nothing."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one object: {findings: [{part, what, act}]}")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(findings())
        if options["json"]:
            self.stdout.write(json.dumps({"findings": [asdict(each) for each in found]}))
        elif not found:
            self.stdout.write("Nothing is wrong: installation, settings, secrets, runs and processes.")
        else:
            for each in found:
                self.stdout.write(f"{each.part}: {each.what}\n    {each.act}")
            self.stdout.write(f"{count(len(found), 'thing is', 'things are')} wrong.")
        if found:
            leave_with(1)
