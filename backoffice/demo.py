"""What the demo leaves for the reader: a clean region, a sign-in, and the closing table."""

import os
import secrets
from decimal import Decimal
from pathlib import Path

from django.contrib.auth.models import Group, User
from django.db import transaction
from rich.console import Console
from rich.table import Table

from backoffice.runs.job import Json
from backoffice.runs.models import Alert, Run, StepState
from backoffice.runs.report import without_codes
from clinic.models import MissingService, RecoveryWindow, ServiceWrite, UnsupportedService
from regions.models import Region

USER = "demo"


def clear_region(name: str) -> None:
    """Remove what earlier demos recovered: their hospital is gone, and its appointments with it."""
    with transaction.atomic():
        runs = Run.objects.filter(region__name=name)
        chains = list(runs.values_list("chain", flat=True))
        for model in (MissingService, ServiceWrite, UnsupportedService):
            model._default_manager.filter(region__name=name).delete()
        RecoveryWindow.objects.filter(chain__in=chains).delete()
        Alert.objects.filter(region__name=name).delete()
        StepState.objects.filter(chain__in=chains).delete()
        runs.delete()


def sign_in(home: Path, region: Region) -> tuple[str, str]:
    """The demo's user, with every role and the demo's region, and a password that is made once and kept in `home`."""
    note = home / "sign-in"
    if not note.exists():
        with os.fdopen(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"{USER}\n{secrets.token_urlsafe(12)}\n")
    name, password = note.read_text().split()
    user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True, "is_superuser": True})
    if not user.check_password(password):
        user.set_password(password)
        user.save()
    user.groups.set(Group.objects.all())
    region.staff.add(user)
    return name, password


def closing_table(console: Console, report: Json) -> None:
    """Outcomes, reasons, dollars, cache and seconds of one run."""
    outcomes = Table(
        title=f"Run {report['id']}: {report['read']:,} appointments in {report['seconds']:.1f} s", title_justify="left"
    )
    outcomes.add_column("outcome")
    outcomes.add_column("appointments", justify="right")
    for outcome, number in report["outcomes"].items():
        outcomes.add_row(outcome.replace("_", " "), f"{number:,}")
    console.print(outcomes)
    reasons = Table(title="Why not", title_justify="left")
    reasons.add_column("category")
    reasons.add_column("reason", max_width=50)
    reasons.add_column("appointments", justify="right")
    for category, counts in report["failures"].items():
        for reason, number in without_codes(counts):
            reasons.add_row(category.replace("_", " "), reason, f"{number:,}")
    console.print(reasons)
    cache = Table(title="Lookups", title_justify="left")
    for column in ("lookup", "calls", "hits", "joins", "failures", "asked again"):
        cache.add_column(column, justify="left" if column == "lookup" else "right")
    for kind, figures in report["cache"].items():
        cache.add_row(
            kind.replace("_", " "),
            *(f"{figures[name]:,}" for name in ("calls", "hits", "joins", "failures", "reasked")),
        )
    console.print(cache)
    money = {name: Decimal(amount) for name, amount in report["money"].items()}
    written, at_stake = money.get("value", Decimal(0)), money.get("at_stake", Decimal(0))
    console.print(
        f"{report['totals'].get('services', 0):,} services written, ${written:,.2f}; ${at_stake:,.2f} at stake"
    )
