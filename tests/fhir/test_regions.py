"""Two regions at the same time: neither a token, nor a patient, nor a pause of one reaches the other (S1-02)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from backoffice.adapters.fhir import Credentials, FhirClient, WrongRegion
from backoffice.sandbox.fhir import FhirServer, generate
from backoffice.sandbox.fhir.patients import nik
from tests.fhir.world import FAST, Connect, change, everyone, mobile, put


def sync(client: FhirClient, seed: int, number: str) -> set[str]:
    """Give everybody the number, ten at a time; the outcomes."""
    outcomes: set[str] = set()
    for first in range(0, 40, 10):
        values = [nik(seed, place) for place in range(first, first + 10)]
        outcomes |= {one.outcome for one in put(client, change(everyone(client, values), number))}
    return outcomes


def test_two_regions_run_at_once_against_servers_that_reject_foreign_tokens(connect: Connect) -> None:
    """S1-02, S1-03: the same addresses of FHIR, the same ids, other tokens."""
    patients = [list(generate(50, seed=seed)) for seed in (1, 2)]
    with FhirServer(patients[0], token="of-one") as one, FhirServer(patients[1], clients={"two": "of-two"}) as two:
        two.shape.token_seconds = 1.0
        options = replace(FAST, requests_per_second=20)
        first = connect(one.url, "of-one", region="purbalingga", options=options)
        secret = Credentials(token_url=two.token_url, client_id="two", client_secret="of-two")
        second = connect(two.url, secret, region="lombok-barat", options=options)
        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(sync, first, 1, "+62811111111"), pool.submit(sync, second, 2, "+62822222222")]
            assert [one.result() for one in done] == [{"written"}, {"written"}]
        assert one.tokens.received == {"of-one"}
        assert "of-one" not in two.tokens.received
        for server, number in ((one, "+62811111111"), (two, "+62822222222")):
            written = [server.store.read(key) for key, _ in server.store.written]
            assert {mobile(patient) for patient in written if patient} == {number}
            assert len(written) == 40


def test_a_client_refuses_to_be_used_for_another_region(server: FhirServer, client: FhirClient) -> None:
    """S1-02: nothing is sent."""
    with pytest.raises(WrongRegion, match="region lombok-barat was given to the FHIR client of region purbalingga"):
        client.find([nik(1, 0)], region="lombok-barat")
    with pytest.raises(WrongRegion):
        client.read(["a"], region="lombok-barat")
    with pytest.raises(WrongRegion):
        client.put([], region="lombok-barat")
    assert server.traffic.requests == 0


def test_a_patient_of_one_region_is_never_put_by_the_client_of_another(server: FhirServer, connect: Connect) -> None:
    """S1-02: though the id and the version would fit."""
    with FhirServer(generate(50)) as twin:
        patients = everyone(connect(server.url, region="purbalingga"), [nik(1, 0)])
        other = connect(twin.url, region="lombok-barat")
        with pytest.raises(WrongRegion):
            other.put(change(patients), region="lombok-barat")
        assert twin.traffic.requests == 0
