from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from backoffice.sandbox.hospital import Hospital
from backoffice.sandbox.hospital.generate import generate
from regions.models import Region
from tests.factories import RegionFactory
from tests.garbler import Garbler, garbled

TOKEN = "a-hospital-token"
MARCH = {"from": "2026-03-01", "to": "2026-04-01"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A month of a small hospital in which each situation occurs."""
    generate(tmp_path / "hospital", appointments=60, seed=7, start=date(2026, 3, 2), end=date(2026, 3, 30))
    return tmp_path / "hospital"


@pytest.fixture
def hospital(folder: Path) -> Iterator[Hospital]:
    with Hospital(folder, token=TOKEN) as served:
        yield served


@pytest.fixture
def garbler(hospital: Hospital) -> Iterator[Garbler]:
    """What stands between the region and its hospital."""
    with garbled(hospital.url) as between:
        yield between


@pytest.fixture
def region(garbler: Garbler, transactional_db: None) -> Region:
    return RegionFactory.create(
        name="north",
        time_zone="America/Chicago",
        env_vars={"HOSPITAL_GRAPHQL_URL": garbler.url, "HOSPITAL_API_TOKEN": TOKEN},
    )


@pytest.fixture(autouse=True)
def _no_long_pauses(short_pauses: None) -> None:
    """No test here is about how long a retry waits."""
