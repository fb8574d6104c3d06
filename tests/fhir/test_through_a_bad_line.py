"""Through a line that refuses, breaks and lies, the right numbers arrive at the right patients, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from backoffice.adapters.fhir import Credentials
from backoffice.sandbox.fhir import FhirServer, Shape
from tests.fhir.line import sync
from tests.fhir.proxy import Proxy
from tests.fhir.world import (
    DUPLICATE,
    FAST,
    NO_PHONE,
    ORDINARY,
    RICH,
    Connect,
    Json,
    but_telecom,
    hospital_of,
    snapshot,
)

BAD = {
    "http429": 0.1,
    "html": 0.1,
    "drop": 0.1,
    "drop_after": 0.1,
    "no_total": 0.3,
    "bad_next": 0.05,
    "next_loop": 0.05,
}
VALUES = [*ORDINARY[:20], DUPLICATE, NO_PHONE, RICH]
NUMBERS = {value: f"+62812{number:07d}" for number, value in enumerate(VALUES)}
WAYS = {
    "batch-get": FAST,
    "or-search": replace(FAST, strategy="or-search"),
    "one by one": replace(FAST, batch=False),
    "patch": replace(FAST, method="json-patch"),
}


@pytest.fixture
def served() -> Iterator[FhirServer]:
    """A server with its own tokens, which last for three seconds."""
    shape = Shape(token_seconds=3.0)
    with FhirServer(hospital_of(), token="static", clients={"a": "b"}, shape=shape) as server:
        yield server


def wanted(before: dict[str, Json], values: list[str]) -> Iterator[tuple[str, str]]:
    """(id, number) of each patient who is to have one."""
    for key, patient in before.items():
        for identifier in patient["identifier"]:
            if identifier["value"] in values:
                yield key, NUMBERS[identifier["value"]]


def check(before: dict[str, Json], after: dict[str, Json]) -> None:
    """Each has their number, with the old one kept once; all else is as it was."""
    numbers = dict(wanted(before, VALUES))
    assert len(numbers) == 24
    for key, patient in after.items():
        assert but_telecom(patient) == but_telecom(before[key])
        if key not in numbers:
            assert patient == before[key]
            continue
        current = [one["value"] for one in patient["telecom"] if one.get("use") == "mobile"]
        assert current == [numbers[key]]
        assert len(patient["telecom"]) == len(before[key]["telecom"]) + 1


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("token", ["static", "credentials"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_numbers_arrive(served: FhirServer, connect: Connect, way: str, token: str, seed: int) -> None:
    """S1-14, S1-19, X-06, X-08."""
    before = snapshot(served.store)
    with Proxy(served.url, seed=seed) as line:
        for kind, rate in BAD.items():
            line.faults.set(kind, rate)
        given = "static" if token == "static" else Credentials(
            token_url=served.token_url, client_id="a", client_secret="b"
        )  # fmt: skip
        sync(connect(line.url, given, options=WAYS[way]), NUMBERS)
        assert line.faults.fired
    check(before, snapshot(served.store))
    assert len(served.store.written) == 24  # nothing was written twice


@pytest.mark.parametrize("kind", list(BAD))
def test_each_fault_alone_is_survived(served: FhirServer, connect: Connect, kind: str) -> None:
    before = snapshot(served.store)
    with Proxy(served.url) as line:
        line.faults.next(kind, 2)
        outcomes = sync(connect(line.url, "static"), NUMBERS)
        assert line.faults.fired[kind] == 2
    check(before, snapshot(served.store))
    assert outcomes["refused"] == 0


def test_a_burst_of_refusals_is_waited_out(served: FhirServer, connect: Connect) -> None:
    """S1-19: 429 three times in a row is what the retries are for."""
    with Proxy(served.url) as line:
        line.faults.next("http429", 3)
        client = connect(line.url, "static")
        outcomes = sync(client, NUMBERS)
    assert (outcomes["found"], outcomes["written"], outcomes["failed"]) == (23, 24, 0)
    assert client.take_calls()["retries"] == 3
