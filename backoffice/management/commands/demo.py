"""The README's first command: a night of missing-service recovery on one machine, from nothing to a closing table."""

import json
import shutil
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from rich.console import Console

from backoffice.demo import clear_region, closing_table, sign_in
from backoffice.embedded import ensure_queue_server
from backoffice.home import home_folder, private_text
from backoffice.runs.control import start_run
from backoffice.runs.models import RunStatus
from backoffice.runs.report import run_report
from backoffice.runs.waiting import queue_is_served, wait_for
from backoffice.sandbox.hospital import Hospital, in_use
from backoffice.sandbox.hospital.generate import generate
from regions.configuration import load
from regions.models import Region
from regions.regionfile import parse

REGION = "demo"
WORKER_SECONDS = 60.0


class Command(BaseCommand):
    help = (
        "Recover missing services in a sandbox hospital that is made for it, with a worker, and print what came of it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--appointments", type=int, default=2000, help="appointments in the hospital (2000)")
        parser.add_argument("--days", type=int, default=60, help="how many days they are spread over (60)")

    def handle(self, *args: Any, appointments: int, days: int, **options: Any) -> None:
        if appointments < 1 or days < 1:
            raise CommandError("--appointments and --days are whole numbers from 1.", returncode=2)
        console = Console(highlight=False)
        folder = home_folder(settings.NIGHTWARD_HOME / "demo")
        if in_use(folder / "state"):
            raise CommandError(
                "The demo's hospital is open elsewhere: end ./bin/serve with Ctrl-C first. Nothing was changed.",
                returncode=1,
            )
        for database in connections:
            call_command("migrate", database=database, verbosity=0, interactive=False)
        ensure_queue_server()
        today = datetime.now(UTC).date()
        shutil.rmtree(folder / "hospital", ignore_errors=True)
        generate(
            folder / "hospital",
            appointments=appointments,
            seed=time.time_ns(),
            start=today - timedelta(days=days),
            end=today,
        )
        with self._hospital(folder) as hospital, _worker():
            console.print(f"Hospital: {appointments:,} appointments of the last {days} days at {hospital.url}")
            region = _region(hospital)
            user, password = sign_in(settings.NIGHTWARD_HOME, region)
            span = {"from": str(today - timedelta(days=days)), "to": str(today + timedelta(days=1))}
            run = start_run("recover_services", region=region, parameters=span)
            wait_for(run, progress=console.is_terminal)
        run.refresh_from_db()
        report = run_report(run)
        closing_table(console, report)
        if run.status != RunStatus.COMPLETE:
            raise CommandError(f"The run {run.status} ({run.reason}). {run.detail}", returncode=1)
        recovered = Decimal(report["money"].get("value", "0"))
        console.print(f"\n[bold]${recovered:,.2f}[/bold] recovered. Open the admin with [bold]./bin/serve[/bold]")
        console.print(f"and sign in as [bold]{user}[/bold] with [bold]{password}[/bold].")

    @contextmanager
    def _hospital(self, folder: Path) -> Iterator[Hospital]:
        """A fresh hospital; what is written to it stays in the folder, so that bin/serve can show it again."""
        token = private_text(folder / "token", bytes_of_entropy=24)
        with Hospital(folder / "hospital", token=token, state=folder / "state", reset=True) as hospital:
            (folder / "port").write_text(str(hospital.port))
            yield hospital


def _region(hospital: Hospital) -> Region:
    document = {
        "name": REGION,
        "display_name": "Demo clinic",
        "time_zone": "America/Chicago",
        "country": "US",
        "env_vars": {"HOSPITAL_GRAPHQL_URL": hospital.url, "HOSPITAL_API_TOKEN": hospital.token},
    }
    clear_region(REGION)
    return load(parse(json.dumps(document))).region


@contextmanager
def _worker() -> Iterator[None]:
    """A worker process of its own, as in production, for as long as the block runs; none where one serves already."""
    if queue_is_served("default"):
        yield
        return
    manage = Path(settings.BASE_DIR) / "manage.py"
    with subprocess.Popen([sys.executable, str(manage), "work"]) as worker:  # noqa: S603 (our own command)
        try:
            deadline = time.monotonic() + WORKER_SECONDS
            while not queue_is_served("default"):
                if worker.poll() is not None or time.monotonic() > deadline:
                    raise CommandError("The worker did not start; its last messages say why.", returncode=1)
                time.sleep(0.1)
            yield
        finally:
            worker.terminate()
