from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from backoffice.sandbox.fhir import SYSTEM, FhirServer
from tests.fhir.world import hospital_of, patient
from tests.sync.world import MIXED, OUT_OF_USE, Place, place_of

TOKEN = "a-token-of-purbalingga"


@pytest.fixture
def server() -> Iterator[FhirServer]:
    """Fifty identifier values, each kind of patient among them, and one more whose identifier is out of use."""
    former = {"use": "old", "system": SYSTEM, "value": OUT_OF_USE}
    with FhirServer([*hospital_of(), patient("pat-former", identifier=[former])], token=TOKEN) as served:
        yield served


@pytest.fixture
def place(server: FhirServer, tmp_path: Path, queue: "Redis", transactional_db: None) -> Place:
    """Purbalingga, whose sheet has a row of each kind."""
    return place_of(tmp_path, server, [row for row, _, _ in MIXED], name="purbalingga", token=TOKEN)


@pytest.fixture(autouse=True)
def _no_long_pauses(short_pauses: None) -> None:
    """No test here is about how long a retry waits."""
