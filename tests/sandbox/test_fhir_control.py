"""What a sandbox FHIR server does wrong is ordered through /control, and its writes outlive it."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.core.management import CommandError, call_command

from backoffice.sandbox.fhir import KINDS, FhirServer, fhir_faults, generate
from backoffice.sandbox.hospital.journal import Journal, JournalError
from tests.processes import Processes, Running

TOKEN = "a-token-of-this-test"


@pytest.fixture
def server() -> Iterator[FhirServer]:
    with FhirServer(generate(50), token=TOKEN) as served:
        yield served


@pytest.fixture
def http(server: FhirServer) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx2.Client(base_url=f"{server.url}/", headers=headers, timeout=10, trust_env=False) as client:
        yield client


def order(http: httpx2.Client, server: FhirServer, **orders: Any) -> dict[str, Any]:
    answer = http.post(server.control_url, json=orders)
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()
    return state


@pytest.mark.parametrize(
    ("kind", "status"), [("http429", 429), ("http500", 500), ("http503", 503), ("html", 200), ("everybody", 200)]
)
def test_a_fault_happens_as_often_as_it_was_ordered(
    http: httpx2.Client, server: FhirServer, kind: str, status: int
) -> None:
    order(http, server, next={kind: 1})
    answers = [http.get("Patient?_id=nobody") for _ in range(2)]
    assert answers[0].status_code == status
    assert answers[1].json()["total"] == 0
    assert (kind == "html") == answers[0].text.startswith("<html>")
    assert answers[0].headers.get("Retry-After") == ("1" if kind in ("http429", "http503") else None)
    assert order(http, server)["fired"] == {kind: 1}


def test_a_write_may_be_done_and_not_answered(http: httpx2.Client, server: FhirServer) -> None:
    [one, *_] = generate(1)
    for kind, written in (("drop", 0), ("drop_after_write", 1)):
        order(http, server, next={kind: 1})
        with pytest.raises(httpx2.RemoteProtocolError):
            http.put(f"Patient/{one['id']}", json=one)
        assert order(http, server)["written"] == written
    assert order(http, server, list=["written"])["written"] == [[one["id"], 2]]


def test_somebody_else_may_be_faster(http: httpx2.Client, server: FhirServer) -> None:
    [one, *_] = generate(1)
    order(http, server, next={"conflict": 1})
    assert http.put(f"Patient/{one['id']}", json=one, headers={"If-Match": 'W/"1"'}).status_code == 412
    assert http.get(f"Patient/{one['id']}").json()["meta"]["versionId"] == "2"
    assert order(http, server)["written"] == 0


def test_orders_change_shape_patients_and_counts(http: httpx2.Client, server: FhirServer) -> None:
    state = order(http, server, faults={"html": "1%"}, shape={"batch": False}, latency_ms=1, slow_seconds=2)
    assert (state["faults"], state["shape"]["batch"], state["latency_ms"]) == ({"html": 0.01}, False, 1)
    state = order(http, server, clear=True, put={"resourceType": "Patient", "id": "new"}, revoke=True)
    assert (state["faults"], state["patients"], state["written"]) == ({}, 53, 0)
    http.get("Patient/new")
    assert order(http, server)["calls"] == {"GET Patient": 1}
    assert order(http, server, reset_counts=True)["calls"] == {}


@pytest.mark.parametrize(
    "orders",
    [[], {"explode": 1}, {"faults": {"http418": 1}}, {"next": 3}, {"shape": {"colour": 1}}, {"shape": {"batch": 1}}],
)
def test_orders_that_cannot_be_carried_out_are_refused(http: httpx2.Client, server: FhirServer, orders: Any) -> None:
    assert http.post(server.control_url, json=orders).status_code == 400


def test_control_is_for_who_has_the_token(server: FhirServer) -> None:
    with httpx2.Client(trust_env=False) as stranger:
        assert stranger.post(server.control_url, json={}).status_code == 401
        assert stranger.post(f"http://127.0.0.1:{server.port}/elsewhere").status_code == 404


def test_rates_repeat_with_their_seed() -> None:
    fired = []
    for _ in range(2):
        faults = fhir_faults(seed=3)
        faults.set("html", 0.5)
        fired.append([faults.occasion(bytes([number])).fires("html") for number in range(50)])
    assert fired[0] == fired[1]
    assert 10 < sum(fired[0]) < 40
    assert "html" in KINDS


def test_writes_last_until_the_reset_and_belong_to_their_patients(tmp_path: Path) -> None:
    for reset, version in ((False, 1), (False, 2), (False, 3), (True, 1)):
        journal = Journal(tmp_path, "fifty", reset=reset, peer="fhir")
        with FhirServer(generate(50), journal=journal) as served:
            [one, *_] = generate(1)
            assert served.store.version(one["id"]) == version
            assert len(served.store.written) == version - 1
            with pytest.raises(JournalError, match="is in use by another fhir"):
                Journal(tmp_path, "fifty", peer="fhir")
            served.store.put(one)
    with pytest.raises(JournalError, match="keeps what was written to fifty"):
        Journal(tmp_path, "sixty", peer="fhir")


# --- as a user runs it


def fhir(processes: Processes, tmp_path: Path, *arguments: str) -> Running:
    home = str(tmp_path / "home")
    return processes.manage("sandbox", "fhir", "--patients", "50", *arguments, NIGHTWARD_HOME=home)


@pytest.mark.slow
def test_it_prints_its_addresses_serves_and_ends_with_0(processes: Processes, tmp_path: Path) -> None:
    options = ("--port", "0", "--client", "a:b", "--token-seconds", "3", "--no-batch", "--fail", "html=25%")
    running = fhir(processes, tmp_path, *options, "--latency-ms", "2")
    found = re.search(r"FHIR server at (\S+), token (\S+), token server at (\S+)\.", running.says("Ctrl-C stops it."))
    assert found is not None
    with httpx2.Client(headers={"Authorization": f"Bearer {found[2]}"}, trust_env=False) as http:
        state = http.post(found[1].replace("/fhir", "/control"), json={}).json()
        assert (state["patients"], state["faults"], state["latency_ms"]) == (52, {"html": 0.25}, 2)
        assert (state["shape"]["batch"], state["shape"]["token_seconds"]) == (False, 3)
        form = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}
        assert http.post(found[3], data=form, headers={"Authorization": ""}).json()["expires_in"] == 3
    running.signal(signal.SIGTERM)
    assert running.ends() == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_what_was_written_survives_its_end(processes: Processes, tmp_path: Path, number: signal.Signals) -> None:
    [one, *_] = generate(1)
    options = ("--port", "0", "--state", str(tmp_path / "state"), "--token", "hush")
    for version in ("2", "3"):
        running = fhir(processes, tmp_path, *options)
        found = re.search(r"FHIR server at (\S+),", running.says("Ctrl-C stops it."))
        assert found is not None
        with httpx2.Client(headers={"Authorization": "Bearer hush"}, trust_env=False) as http:
            assert http.put(f"{found[1]}/Patient/{one['id']}", json=one).headers["ETag"] == f'W/"{version}"'
        running.signal(number)
        running.ends()
        assert "hush" not in running.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail", "http418=1"], "--fail http418=1: 'http418' is none of"),
        (["--port", "70000"], "--port must be 0..65535"),
        (["--patients", "0"], "--patients and --token-seconds are numbers above 0"),
        (["--client", "a"], "--client is ID:SECRET"),
    ],
)
def test_wrong_use_is_said_in_one_line_with_status_2(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        call_command("sandbox", "fhir", *arguments)
    assert caught.value.returncode == 2
