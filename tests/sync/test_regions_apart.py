"""Purbalingga and Lombok Barat at the same time: what befalls one is nothing to the other, and no secret crosses."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from backoffice.sandbox.fhir import FhirServer, Shape, fhir_faults
from backoffice.sandbox.http import Request
from regions.models import PhoneRow
from tests.fhir.proxy import Proxy
from tests.fhir.world import mobile, patient
from tests.processes import Processes, Running
from tests.sync.world import Place, place_of

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("purbalingga", "lombok-barat")
ROWS = 300


def value(name: str, number: int) -> str:
    return f"33{NAMES.index(name)}{number:013d}"


def phone(name: str, number: int) -> str:
    return f"081{NAMES.index(name)}{number:08d}"


class Overheard:
    """A line to one region's server; `told` is all that was sent to it, heads and bodies."""

    def __init__(self, server: FhirServer) -> None:
        self.line = Proxy(server.url)
        self.told: list[str] = []
        pass_on = self.line.pass_on

        def listen(request: Request) -> Any:
            self.told.append(f"{request.method} {request.path} {request.headers} {request.body!r}")
            return pass_on(request)

        self.line.pass_on = listen  # type: ignore[method-assign]


def secrets_of(name: str) -> dict[str, str]:
    """A fixed token for one of them, client credentials for the other."""
    if name == NAMES[0]:
        return {"FHIR_API_TOKEN": f"token-of-{name}"}
    return {"FHIR_CLIENT_ID": f"client-of-{name}", "FHIR_CLIENT_SECRET": f"secret-of-{name}"}


def basic(name: str) -> str:
    """Client credentials as a header has them."""
    given = secrets_of(name)
    return base64.b64encode(f"{given.get('FHIR_CLIENT_ID', name)}:{given.get('FHIR_CLIENT_SECRET')}".encode()).decode()


@pytest.fixture
def places(tmp_path: Path, queue: "Redis", transactional_db: None) -> Iterator[list[tuple[Place, Overheard]]]:
    """Both sheets name the same patients by the same ids; each server knows its own region's secret only."""
    with ExitStack() as opened:
        made = []
        for name in NAMES:
            given = secrets_of(name)
            clients = {given["FHIR_CLIENT_ID"]: given["FHIR_CLIENT_SECRET"]} if "FHIR_CLIENT_ID" in given else {}
            server = FhirServer(
                [patient(f"p{n}", value(name, n)) for n in range(ROWS)],
                token=given.get("FHIR_API_TOKEN", ""),
                clients=clients,
                shape=Shape(token_seconds=3.0),
                faults=fhir_faults(slow_seconds=60),
            )
            opened.enter_context(server)
            overheard = Overheard(server)
            opened.enter_context(overheard.line)
            rows = [("survey", value(one, n), phone(name, n)) for n in range(ROWS) for one in NAMES]
            place = place_of(tmp_path, server, rows, name=name, token="")
            url = overheard.line.url
            values = {key: text for key, text in place.region.env_vars.items() if key != "FHIR_API_TOKEN"}
            token_url = {"FHIR_TOKEN_URL": url.replace("/fhir", "/token")} if clients else {}
            place.region.env_vars = {**values, **given, **token_url, "FHIR_SERVER_URL": url}
            place.region.save()
            made.append((place, overheard))
        yield made


def start(processes: Processes) -> dict[str, Running]:
    """Both at once."""
    options = {"LOG_LEVEL": "INFO", "FHIR_TIMEOUT_SECONDS": "5"}
    return {name: processes.manage("sync_phones", "--region", name, "--wait", "--json", **options) for name in NAMES}


def check_whole(place: Place, name: str) -> None:
    """The region is what it would be if it were alone."""
    run = Run.objects.get(region=place.region)
    assert (run.status, run.detail) == (RunStatus.COMPLETE, "")
    rows = PhoneRow.objects.filter(region=place.region)
    assert rows.filter(outcome="updated").count() == rows.filter(outcome="not_found").count() == ROWS
    for number in range(ROWS):
        found = place.server.store.read(f"p{number}")
        assert found is not None
        assert mobile(found) == "+62" + phone(name, number)[1:]
    report = run_report(run)
    assert report["totals"].get("retries", 0) == 0
    assert report["calls"].get("fhir_token_refused", 0) <= 1
    assert place.statuses().count("success") == ROWS


@pytest.mark.slow
def test_no_secret_number_or_identifier_of_one_region_reaches_the_server_of_the_other(
    places: list[tuple[Place, Overheard]], processes: Processes
) -> None:
    """S1-02, S1-03: all that either server was sent, word for word, while both ran."""
    running = start(processes)
    assert [process.ends(within=120) for process in running.values()] == [0, 0]
    for (place, overheard), name, other in zip(places, NAMES, reversed(NAMES), strict=True):
        check_whole(place, name)
        told = "\n".join(overheard.told)
        assert len(overheard.told) >= 6
        theirs = [*secrets_of(other).values(), basic(other), other, phone(other, 7)[1:]]
        assert not [one for one in theirs if one in told]
        assert [one for one in (*secrets_of(name).values(), basic(name)) if one in told]
    received = [place.server.tokens.received for place, _ in places]
    assert received[0] == {"token-of-purbalingga"}
    assert received[1]
    assert not received[0] & received[1]


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["down", "slow", "http429", "http503", "http500", "drop", "html", "refused"])
@pytest.mark.parametrize("ill", NAMES)
def test_one_region_s_trouble_is_nothing_to_the_other(
    places: list[tuple[Place, Overheard]], processes: Processes, trouble: str, ill: str
) -> None:
    """S1-03, S1-02: down, slow or rejecting from the first request to the last."""
    by_name = dict(zip(NAMES, (place for place, _ in places), strict=True))
    [well] = [name for name in NAMES if name != ill]
    server = by_name[ill].server
    if trouble == "down":
        server.stop()
    elif trouble == "refused":
        server.tokens.allows = lambda request: False  # type: ignore[method-assign]
    else:
        server.faults.set(trouble, 1)
    running = start(processes)
    assert running[well].ends(within=60) == 0, running[well].output
    check_whole(by_name[well], well)
    assert ill not in running[well].output
    if trouble == "refused":
        assert running[ill].ends(within=60) == 1
        assert Run.objects.get(region=by_name[ill].region).reason == "configuration"
    if trouble in ("slow", "http429", "http503"):
        assert running[ill].process.poll() is None  # it is still waiting, by itself
    assert not server.store.written
