"""create_portal_token: a token of the API and the secret of its claims, printed once."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from backoffice.runs.command import region_named
from clinic.patients.portal import VERBS, issue_portal
from regions.models import TOKEN_DAYS, beyond_owner

MAX_DAYS = 366


class Command(BaseCommand):
    help = (
        "Make a token for a patients' portal. Prints the token and, on a second line, the secret by which the portal "
        "signs who its patient is. Both can be shown only now."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, help="whose role bounds the token")
        parser.add_argument("--region", required=True, help="whose patients the portal serves")
        parser.add_argument("--days", type=int, default=TOKEN_DAYS, help=f"1 to {MAX_DAYS}, by default {TOKEN_DAYS}")
        parser.add_argument("--name", default="patients' portal", help="the system that will use it")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(username=options["user"], is_active=True).first()
        if owner is None:
            raise CommandError(f"No active user is called {options['user']!r}.", returncode=2)
        if not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days must lie between 1 and {MAX_DAYS}.", returncode=2)
        region = region_named(options["region"])
        if problems := beyond_owner(owner, [region], VERBS):
            raise CommandError("\n".join(problems), returncode=2)
        _, text, secret = issue_portal(owner=owner, name=options["name"], region=region, days=options["days"])
        self.stdout.write(f"{text}\n{secret}")
