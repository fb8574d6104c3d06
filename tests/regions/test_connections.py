"""A job that lacks its region's keys says which; what it gets is bound to the region and shows no token."""

from typing import Any

import pytest

from backoffice.runs.faults import ConfigError
from regions.connections import MissingConnection, UnreadableConnection, hospital_connection
from tests.factories import RegionFactory

URL, TOKEN = "https://hospital.example.org/graphql", "s3cret"

pytestmark = pytest.mark.django_db


def test_a_connection_names_its_region_and_hides_its_token() -> None:
    region = RegionFactory.create(env_vars={"HOSPITAL_GRAPHQL_URL": URL, "HOSPITAL_API_TOKEN": TOKEN})
    connection = hospital_connection(region)
    assert (connection.region, connection.url, connection.token) == (region.name, URL, TOKEN)
    assert TOKEN not in repr(connection)


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, ("HOSPITAL_GRAPHQL_URL", "HOSPITAL_API_TOKEN")),
        ({"HOSPITAL_GRAPHQL_URL": URL}, ("HOSPITAL_API_TOKEN",)),
        ({"HOSPITAL_API_TOKEN": TOKEN}, ("HOSPITAL_GRAPHQL_URL",)),
    ],
)
def test_missing_keys_are_named_and_end_the_run(values: dict[str, str], missing: tuple[str, ...]) -> None:
    region = RegionFactory.create(env_vars=values)
    with pytest.raises(MissingConnection) as caught:
        hospital_connection(region)
    assert isinstance(caught.value, ConfigError)
    assert caught.value.missing == missing
    assert all(key in str(caught.value) for key in (region.name, *missing))


def test_secrets_that_do_not_open_are_told_from_missing_ones(settings: Any) -> None:
    region = RegionFactory.create(env_vars={"HOSPITAL_GRAPHQL_URL": URL, "HOSPITAL_API_TOKEN": TOKEN})
    settings.FIELD_KEYS = ["Aw" * 21 + "A="]
    with pytest.raises(UnreadableConnection, match="FIELD_KEYS"):
        hospital_connection(region)
