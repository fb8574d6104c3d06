from collections.abc import Iterator

import pytest

from backoffice.sandbox.hospital import Hospital
from regions.models import Region
from tests.acceptance.nebraska import FOLDER
from tests.factories import RegionFactory

TOKEN = "nebraska-token"


@pytest.fixture
def hospital() -> Iterator[Hospital]:
    """The Nebraska hospital, served; what is written to it lives as long as the test."""
    with Hospital(FOLDER, token=TOKEN) as served:
        yield served


@pytest.fixture
def nebraska(hospital: Hospital, transactional_db: None) -> Region:
    """The region whose hospital it is."""
    connection = {"HOSPITAL_GRAPHQL_URL": hospital.url, "HOSPITAL_API_TOKEN": TOKEN}
    return RegionFactory.create(name="nebraska", time_zone="America/Chicago", env_vars=connection)
