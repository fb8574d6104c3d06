"""How a region's FHIR server wants to be asked: said in the file or the admin, checked by name, used by the sync."""

from typing import Any, get_args

import pytest
from django.test import Client

from backoffice.adapters.fhir_search import Strategy
from backoffice.adapters.fhir_write import Method
from regions import keys
from regions.configuration import load
from regions.models import Region
from regions.regionfile import RegionFileError, parse
from tests.factories import UserFactory
from tests.regions.test_region_admin import filled, page
from tests.regions.world import ENVIRON, with_


@pytest.mark.parametrize(
    ("fhir", "says"),
    [
        ({"stratagem": "put"}, "fhir.stratagem: is not known; known are strategy, method, batch, use, "),
        ({"strategy": "guess"}, "fhir.strategy: must be one of: batch-get, or-search"),
        ({"method": ["put"]}, "fhir.method: must be one of: put, json-patch, fhirpath-patch"),
        ({"batch": 1}, "fhir.batch: must be one of: true, false"),
        ({"entries_per_batch": 0}, "fhir.entries_per_batch: must be a whole number from 1 to 1000"),
        ({"entries_per_batch": True}, "fhir.entries_per_batch: must be a whole number from 1 to 1000"),
        ({"bytes_per_batch": "1 MB"}, "fhir.bytes_per_batch: must be a whole number from 10000 to 100000000"),
        (["put"], "fhir: must be an object"),
    ],
)
def test_what_the_client_cannot_do_is_refused_in_one_line(fhir: Any, says: str) -> None:
    with pytest.raises(RegionFileError) as caught:
        parse(with_(fhir=fhir), environ=ENVIRON)
    (line,) = caught.value.problems
    assert line.startswith(says)


def test_the_choices_are_those_of_the_client() -> None:
    assert keys.FHIR_CHOICES["strategy"] == get_args(Strategy)
    assert keys.FHIR_CHOICES["method"] == get_args(Method)


@pytest.mark.django_db
def test_the_admin_takes_what_the_file_takes(client: Client) -> None:
    region = load(parse(with_(fhir={"batch": False}), environ=ENVIRON)).region
    client.force_login(UserFactory.create(role="engineer", regions=[region]))
    wrong = client.post(page(region), filled(region, fhir='{"method": "post"}')).content.decode()
    assert "method: must be one of: put" in wrong
    assert "This must be an object" in client.post(page(region), filled(region, fhir="[]")).content.decode()
    data = filled(region, fhir='{"method": "json-patch"}', env_HOSPITAL_GRAPHQL_URL="")
    assert client.post(page(region), data).status_code == 302
    assert Region.objects.get().fhir == {"method": "json-patch"}
