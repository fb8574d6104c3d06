"""create_token: a token of the API, printed once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from backoffice.runs.command import region_named
from regions.models import TOKEN_DAYS, TOKEN_VERBS, ApiToken, beyond_owner

MAX_DAYS = 366


class Command(BaseCommand):
    help = "Make a token of the API for a user and print it: it is kept as a hash and can be shown only now."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, help="whose regions and role bound the token")
        parser.add_argument("--region", action="append", required=True, help="may be repeated")
        verbs = sorted(TOKEN_VERBS)
        parser.add_argument("--verb", action="append", required=True, choices=verbs, help="may be repeated")
        parser.add_argument("--days", type=int, default=TOKEN_DAYS, help=f"1 to {MAX_DAYS}, by default {TOKEN_DAYS}")
        parser.add_argument("--name", default="", help="the system that will use it")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(username=options["user"], is_active=True).first()
        if owner is None:
            raise CommandError(f"No active user is called {options['user']!r}.", returncode=2)
        if not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days must lie between 1 and {MAX_DAYS}.", returncode=2)
        regions = [region_named(name) for name in options["region"]]
        if problems := beyond_owner(owner, regions, options["verb"]):
            raise CommandError("\n".join(problems), returncode=2)
        _, text = ApiToken.objects.issue(
            owner=owner,
            name=options["name"] or f"made for {owner.get_username()}",
            regions=regions,
            verbs=options["verb"],
            expires_at=timezone.now() + timedelta(days=options["days"]),
        )
        self.stdout.write(text)
