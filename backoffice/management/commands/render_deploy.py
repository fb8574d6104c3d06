"""The files of deploy/ from the list of processes, so that they cannot come to differ from it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backoffice.deploy.rendered import differences, write


class Command(BaseCommand):
    help = "Write Procfile, deploy/compose.yaml and deploy/kubernetes from the list of processes."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; status 1 where a file differs")
        parser.add_argument("--root", type=Path, default=settings.BASE_DIR, help="of the checkout (this one)")

    def handle(self, *args: Any, check: bool, root: Path, **options: Any) -> None:
        if check:
            if found := differences(root):
                raise CommandError("\n".join([*found, "Run: manage.py render_deploy"]), returncode=1)
            return
        for path in write(root):
            self.stdout.write(path)
