"""The adapter on a FHIR server that others wrote, over a good line and a bad one."""

from collections.abc import Iterator
from dataclasses import replace
from time import monotonic, sleep
from uuid import uuid4

import pytest

from backoffice.adapters.fhir import Credentials, FhirClient
from tests.fhir import sekmet
from tests.fhir.line import sync
from tests.fhir.proxy import Proxy
from tests.fhir.sekmet import Sekmet
from tests.fhir.test_through_a_bad_line import BAD
from tests.fhir.world import FAST, REGION, Connect, Json, but_telecom, change, everyone, mobile, patient, put

pytestmark = [pytest.mark.sekmet, pytest.mark.slow]
PATIENTS = 24
WAYS = {
    "batch-get": FAST,
    "or-search": replace(FAST, strategy="or-search"),
    "one by one": replace(FAST, batch=False),
    "json-patch": replace(FAST, method="json-patch"),
    "json-patch, one by one": replace(FAST, batch=False, method="json-patch"),
}


@pytest.fixture(scope="module")
def open_server() -> Iterator[Sekmet]:
    with sekmet.serve() as server:
        yield server


@pytest.fixture(scope="module")
def guarded_server() -> Iterator[Sekmet]:
    """One whose tokens last for three seconds."""
    with sekmet.serve(token_seconds=3) as server:
        yield server


@pytest.fixture(params=["open", "guarded"])
def server(request: pytest.FixtureRequest) -> Sekmet:
    found: Sekmet = request.getfixturevalue(f"{request.param}_server")
    return found


def fill(server: Sekmet, mark: str) -> dict[str, Json]:
    """Patients of this test alone, by id: ordinary ones, a twin, one merged, one inactive, one of another system."""
    patients = [
        patient(f"{mark}-{n}", extension=[{"url": "u", "valueInteger": n}], odd={"n": n}) for n in range(PATIENTS)
    ]
    patients += [patient(f"{mark}-twin", f"{mark}-0"), patient(f"{mark}-inactive", f"{mark}-1", active=False)]
    link = [{"other": {"reference": f"Patient/{mark}-1"}, "type": "replaced-by"}]
    patients.append(patient(f"{mark}-merged", f"{mark}-1", link=link))
    elsewhere = [{"system": "https://elsewhere", "value": f"{mark}-1"}]
    patients.append(patient(f"{mark}-elsewhere", identifier=elsewhere))
    server.put(patients)
    return {one["id"]: server.read(one["id"]) for one in patients}


def connect_to(server: Sekmet, url: str, connect: Connect, way: str) -> FhirClient:
    credentials = Credentials(token_url=server.token_url, client_id=sekmet.CLIENT, client_secret=sekmet.SECRET)
    return connect(url, credentials if server.guarded else "", options=replace(WAYS[way], timeout=30))


def check(server: Sekmet, before: dict[str, Json], numbers: dict[str, str]) -> None:
    """Who is to have a number has it, and the old one kept; nothing else is changed anywhere."""
    for key, was in before.items():
        now = server.read(key)
        assert but_telecom(now) == but_telecom(was)
        if key.endswith(("-inactive", "-merged", "-elsewhere")):
            assert now == was
            continue
        assert mobile(now) == numbers[was["identifier"][0]["value"]]
        assert [one["use"] for one in now["telecom"]] == ["mobile", "old"]
        assert now["meta"]["versionId"] == "2"


@pytest.mark.parametrize("way", list(WAYS))
def test_the_numbers_arrive(server: Sekmet, connect: Connect, way: str) -> None:
    """S1-14, X-06, X-07: two patients of one value both get it."""
    mark = uuid4().hex
    before = fill(server, mark)
    numbers = {f"{mark}-{n}": f"+62812{n:07d}" for n in range(PATIENTS)}
    outcomes = sync(connect_to(server, server.url, connect, way), numbers)
    assert outcomes == {"found": PATIENTS, "written": PATIENTS + 1}
    check(server, before, numbers)


@pytest.mark.parametrize("way", ["batch-get", "or-search", "one by one"])
def test_they_arrive_over_a_bad_line(server: Sekmet, connect: Connect, way: str) -> None:
    """S1-19, X-08: refused, broken off, hung up on and lied to; nothing is written twice."""
    mark = uuid4().hex
    before = fill(server, mark)
    numbers = {f"{mark}-{n}": f"+62812{n:07d}" for n in range(PATIENTS)}
    with Proxy(server.url) as line:
        for kind, rate in BAD.items():
            line.faults.set(kind, rate)
        sync(connect_to(server, line.url, connect, way), numbers)
        assert line.faults.fired
    check(server, before, numbers)


def test_pages_are_followed(server: Sekmet, connect: Connect) -> None:
    """Sekmet shows twenty patients on a page."""
    server.put([patient(f"paged-{n}", "paged") for n in range(45)])
    client = connect_to(server, server.url, connect, "batch-get")
    assert len(client.find(["paged"], region=REGION)["paged"].patients) == 45
    assert client.take_calls()["page"] == 2


def test_a_patient_that_staff_changed_is_a_conflict(server: Sekmet, connect: Connect) -> None:
    server.put([patient("changed")])
    client = connect_to(server, server.url, connect, "batch-get")
    patients = everyone(client, ["changed"])
    server.put([patient("changed", gender="other")])
    assert [(one.outcome, one.code) for one in put(client, change(patients))] == [("conflict", "http_412_conflict")]
    assert server.read("changed")["gender"] == "other"


def test_tokens_of_three_seconds_are_renewed_in_time(guarded_server: Sekmet, connect: Connect) -> None:
    guarded_server.put([patient("lasting")])
    client = connect_to(guarded_server, guarded_server.url, connect, "batch-get")
    until = monotonic() + 7
    while monotonic() < until:
        assert len(everyone(client, ["lasting"])) == 1
        sleep(0.1)
    assert client.take_calls()["token_refused"] <= 1  # on a busy machine a request may be a second under way
