"""export_region NAME: the region as a file that load_region takes back."""

import json
import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice import audit
from backoffice.keyring import SecretUnreadable
from backoffice.runs.command import region_named
from regions.regionfile import export


class Command(BaseCommand):
    help = "Write a region's file to standard output. Its secrets stay out unless --secrets asks for them."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the region's name")
        parser.add_argument("--output", metavar="FILE", help="write here instead, readable by this user alone")
        parser.add_argument("--secrets", action="store_true", help="write secrets in clear; goes into the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        region = region_named(options["name"])
        try:
            document = export(region, secrets=options["secrets"])
        except SecretUnreadable as error:
            raise CommandError(str(error), returncode=1) from None
        text = json.dumps(document, indent=2, ensure_ascii=False)
        if options["secrets"]:
            audit.record_view(region, export="region file with secrets")
        if options["output"]:
            write(options["output"], text + "\n")
        else:
            self.stdout.write(text)


def write(name: str, text: str) -> None:
    """Write the file with mode 600, also where it existed with another."""
    try:
        with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror or 'cannot be written'}", returncode=2) from None
