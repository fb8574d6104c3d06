"""Two regions at once, each against its own hospital: nothing of one shows in the other."""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.runs.models import Failure, Run, RunStatus
from backoffice.sandbox.hospital import Hospital
from backoffice.sandbox.hospital.generate import generate
from clinic.models import MissingService, ServiceWrite, UnsupportedService
from regions.models import Region
from tests.factories import ApiTokenFactory, RegionFactory, UserFactory
from tests.processes import Processes
from tests.recovery.running import recover

pytestmark = pytest.mark.django_db(transaction=True)
RANGE = ("--from", "2026-03-01", "--to", "2026-04-01")


@dataclass
class Side:
    """One region, its hospital, and the ids that only it knows."""

    region: Region
    hospital: Hospital
    appointments: set[str]
    patients: set[str]
    token: str


def side(folder: Path, name: str, seed: int) -> Side:
    token = f"token-of-{name}"
    generate(folder, appointments=150, seed=seed, start=date(2026, 3, 2), end=date(2026, 3, 30))
    with (folder / "appointments.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    hospital = Hospital(folder, token=token).start()
    values = {"HOSPITAL_GRAPHQL_URL": hospital.url, "HOSPITAL_API_TOKEN": token}
    region = RegionFactory.create(name=name, time_zone="America/Chicago", env_vars=values)
    ids = {row["id"] for row in rows}
    return Side(region, hospital, ids, {row["patient_id"] for row in rows} - {""}, token)


@pytest.fixture
def sides(tmp_path: Path, transactional_db: None) -> tuple[Side, Side]:
    return side(tmp_path / "north", "north", 1), side(tmp_path / "south", "south", 2)


@pytest.mark.slow
def test_two_regions_at_once_share_no_row_no_call_and_no_log_line(
    sides: tuple[Side, Side], processes: Processes
) -> None:
    running = [
        processes.manage(
            "recover_services", "--region", each.region.name, *RANGE, "--wait", "--json", LOG_LEVEL="DEBUG"
        )
        for each in sides
    ]
    assert [process.ends(within=120) for process in running] == [0, 0]
    for mine, other, process in zip(sides, reversed(sides), running, strict=True):
        for model in (MissingService, ServiceWrite, UnsupportedService):
            ids = set(model._default_manager.filter(region=mine.region).values_list("appointment_id", flat=True))
            assert ids
            assert ids <= mine.appointments - other.appointments
        references = set(Failure.objects.filter(run__region=mine.region).values_list("reference", flat=True))
        assert references <= mine.appointments
        assert {session.appointment_id for session in mine.hospital.sessions_written()} <= mine.appointments
        said = process.output
        assert other.region.name not in said
        assert not [secret for secret in {mine.token, other.token} | mine.patients | other.patients if secret in said]


def test_a_token_of_the_other_region_is_refused_by_the_server_and_the_run_says_what_to_do(
    sides: tuple[Side, Side],
) -> None:
    north, south = sides
    north.region.env_vars = {"HOSPITAL_GRAPHQL_URL": south.hospital.url, "HOSPITAL_API_TOKEN": north.token}
    north.region.save()
    run = recover(north.region, **{"from": "2026-03-01", "to": "2026-04-01"})
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert north.token not in run.detail
    assert south.hospital.sessions_written() == []
    assert not MissingService.objects.exists()


@pytest.mark.slow
def test_no_page_and_no_answer_of_one_region_shows_the_other(sides: tuple[Side, Side]) -> None:
    for each in sides:
        recover(each.region, **{"from": "2026-03-01", "to": "2026-04-01"})
    north, south = sides
    clerk = UserFactory.create(role="finance", regions=[north.region])
    client = Client()
    client.force_login(clerk)
    foreign_row = MissingService.objects.filter(region=south.region).first()
    foreign_run = Run.objects.get(region=south.region)
    assert foreign_row is not None
    pages = ["admin:index", "admin:clinic_missingservice_changelist", "admin:runs_run_changelist",
             "admin:clinic_unsupportedservice_changelist", "admin:clinic_servicewrite_changelist"]  # fmt: skip
    for name in pages:
        page = client.get(reverse(name)).content.decode()
        assert not [secret for secret in south.appointments | south.patients if secret in page], name
        assert "south" not in page.lower(), name
    assert client.get(reverse("admin:clinic_missingservice_change", args=[foreign_row.pk])).status_code == 404
    assert client.get(reverse("admin:runs_run_change", args=[foreign_run.pk])).status_code == 404
    token = ApiTokenFactory.create(
        owner=clerk, regions=[north.region, south.region], verbs=["runs:read", "missing:read"]
    )
    headers = {"Authorization": f"Bearer {token.text}"}
    assert client.get(f"/api/v1/runs/{foreign_run.pk}/", headers=headers).status_code == 404
    listed = client.get("/api/v1/missing-services/", headers=headers)
    assert listed.status_code == 200
    assert not [secret for secret in south.appointments if secret in listed.content.decode()]
