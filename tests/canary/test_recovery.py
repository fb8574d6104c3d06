"""Recovery, against a hospital that fails in each way and repeats in its errors whom it was asked about."""

from datetime import date
from pathlib import Path

import pytest

from backoffice.runs.models import Failure, Run
from backoffice.sandbox.hospital import Hospital
from backoffice.sandbox.hospital.generate import generate
from clinic.models import MissingService, ServiceWrite
from tests.canary import values
from tests.canary.watch import Watch
from tests.factories import RegionFactory

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
MARCH = ("--from", "2026-03-01", "--to", "2026-04-01")
TOKEN = "a-hospital-token"


def hospital_folder(folder: Path) -> Path:
    """A month of a small hospital, each of whose patients has a canary for an id."""
    generate(folder, appointments=60, seed=7, start=date(2026, 3, 2), end=date(2026, 3, 30))
    for name, column in (("appointments", 5), ("cases", 1)):
        lines = (folder / f"{name}.csv").read_text().splitlines()
        rows = [line.split(",") for line in lines[1:]]
        for row in rows:
            row[column] = row[column] and f"{values.PATIENT}-{row[column]}"
        (folder / f"{name}.csv").write_text("\n".join([lines[0], *map(",".join, rows), ""]))
    return folder


def test_recovery_says_nothing_of_a_patient_whatever_the_hospital_answers(watch: Watch, tmp_path: Path) -> None:
    """[S4-09] By a worker, with answers that break off, refuse, hang, and repeat what they were asked."""
    with Hospital(hospital_folder(tmp_path / "hospital"), token=TOKEN) as hospital:
        hospital.faults.slow_seconds = 2
        secrets = {"HOSPITAL_GRAPHQL_URL": f"{hospital.url}", "HOSPITAL_API_TOKEN": TOKEN}
        RegionFactory.create(name="north", env_vars=secrets)
        recover = ("recover_services", "--region", "north", *MARCH, "--json")
        for status in (400, 401, 200):
            watch.echo(status)
            watch.manage(*recover, "--wait", status=None)
        worker = watch.start("work", HOSPITAL_TIMEOUT_SECONDS="1")
        for kind in ("http503", "drop", "slow", "drop_after_write", "lookup:case", "write:INTERNAL", "write:FORBIDDEN"):
            hospital.faults.next(kind)
        watch.echo(500)
        watch.manage(*recover, "--wait", "--fresh", status=None)
        watch.manage(*recover, "--wait", "--fresh")
        watch.manage("check_alerts")
        watch.end(worker)
    assert {run.status for run in Run.objects.all()} == {"complete", "failed"}
    assert ServiceWrite.objects.exists()
    assert MissingService.objects.exists()
    assert Failure.objects.exists()
    assert watch.leaks() == []
