"""/api/v1/consumers/: how the consumers of events stand, for monitoring."""

import pytest
from rest_framework.test import APIClient

from clinic.events.consumers import consumer_named
from clinic.events.outbox import record
from clinic.events.standing import begin
from regions.models import TOKEN_VERBS, Region
from tests.api.conftest import Caller, TokenClient

pytestmark = pytest.mark.django_db
PATH = "/api/v1/consumers/"


def test_it_tells_lag_and_age_of_the_tokens_regions(
    api: TokenClient, north: Region, south: Region, queue: object
) -> None:
    begin(consumer_named("checkup"))
    record(north, "checkup.due", "one", {})
    record(south, "checkup.due", "one", {})
    (row,) = [row for row in api.get(PATH).json()["results"] if row["name"] == "checkup"]
    assert (row["on"], row["replicas"], row["review"]) == (False, 0, "2027-02-01")
    assert (row["lag"], row["pending"], row["alive"], row["dead"], row["retrying"]) == (1, 0, 0, 0, 0)
    assert row["oldest"] is not None
    assert row["oldest_seconds"] >= 0


def test_outsiders(caller: Caller) -> None:
    assert APIClient().get(PATH).status_code == 401
    assert caller(verbs=set(TOKEN_VERBS) - {"runs:read"}).get(PATH).status_code == 403
    assert caller().get(PATH, {"x": "1"}).status_code == 400
    assert caller().post(PATH).status_code == 405
