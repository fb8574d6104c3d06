"""Two regions at once, each with its own sheet, server and token: nothing of one reaches the other [S1-02, S1-03]."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis

from backoffice.runs.models import RunStatus
from backoffice.runs.report import run_report
from backoffice.sandbox.fhir import FhirServer, generate
from backoffice.sandbox.fhir.patients import nik
from regions.models import PhoneRow, PhoneUpdate
from tests.fhir.world import mobile
from tests.processes import Processes
from tests.sync.world import Place, place_of, sync

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("purbalingga", "lombok-barat")
ROWS = 250


def phone(seed: int, number: int) -> str:
    return f"0812{seed}{number:07d}"


@pytest.fixture
def places(tmp_path: Path, queue: "Redis", transactional_db: None) -> Iterator[list[Place]]:
    """Both sheets name the same identifiers; each has patients for its own only."""
    with ExitStack() as opened:
        made = []
        for seed, name in enumerate(NAMES, start=1):
            token = f"token-of-{name}"
            server = opened.enter_context(FhirServer(list(generate(ROWS, seed=seed)), token=token))
            rows = [("WhatsApp", nik(own, n), phone(seed, n)) for n in range(ROWS) for own in (1, 2) if n % 50 < 40]
            made.append(place_of(tmp_path, server, rows, name=name, token=token))
        yield made


@pytest.mark.slow
def test_two_regions_at_once_write_to_their_own_servers_alone(places: list[Place], processes: Processes) -> None:
    """S1-02, S1-03"""
    running = [
        processes.manage("sync_phones", "--region", name, "--wait", "--json", LOG_LEVEL="INFO") for name in NAMES
    ]
    assert [process.ends(within=120) for process in running] == [0, 0]
    for seed, (place, process) in enumerate(zip(places, running, strict=True), start=1):
        rows = PhoneRow.objects.filter(region=place.region)
        assert rows.filter(outcome="updated").count() == rows.filter(outcome="not_found").count() == 200
        for number in (0, 1, 239):
            [patient] = place.carriers(nik(seed, number))
            assert mobile(patient) == "+62" + phone(seed, number)[1:]
        keys = {key for key, _ in place.server.store.written}
        assert set(PhoneUpdate.objects.filter(region=place.region).values_list("patient_id", flat=True)) == keys
        other = NAMES[2 - seed]
        assert other not in process.output
        said = [*place.region.env_vars["FHIR_API_TOKEN"].split(), nik(1, 0), nik(2, 0), phone(seed, 0)[1:]]
        assert not [secret for secret in said if secret in process.output]
        assert "Processing batch 4/4 (100 records)" in process.output
        assert "Row 2 (E): " in process.output


@pytest.mark.slow
def test_a_region_whose_server_is_down_ends_and_the_other_one_does_not_notice(places: list[Place]) -> None:
    """S1-03"""
    down, up = places
    down.server.stop()
    down.region.env_vars = {**down.region.env_vars, "FHIR_API_TOKEN": "nobodys"}
    down.region.save()
    assert sync(up.region).status == RunStatus.COMPLETE
    run = sync(down.region, rows="2:3")
    assert down.outcomes(run) == {2: "server_failed", 3: "server_failed"}


@pytest.mark.slow
def test_a_token_that_the_server_does_not_take_ends_the_run_with_what_to_do(places: list[Place]) -> None:
    mine, other = places
    mine.region.env_vars = {**mine.region.env_vars, "FHIR_API_TOKEN": other.region.env_vars["FHIR_API_TOKEN"]}
    mine.region.save()
    run = sync(mine.region)
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert "token-of" not in run.detail
    assert mine.server.store.written == other.server.store.written == []


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        pytest.param({}, {}, True, id="the first worksheet of both"),
        pytest.param({"WORKSHEET_ID": "Sheet1"}, {}, True, id="by its name and as the first one"),
        pytest.param({"WORKSHEET_ID": "Sheet1"}, {"WORKSHEET_ID": "Sheet2"}, False, id="two worksheets"),
    ],
)
def test_a_region_that_names_the_sheet_of_another_one_is_not_synced(
    places: list[Place], mine: dict[str, str], theirs: dict[str, str], same: bool
) -> None:
    """S1-02: else the patients of one would be looked up at the server of the other."""
    place, other = places
    sheet = str(other.sheet.parent / "." / other.sheet.name)
    place.region.env_vars = {**place.region.env_vars, "SPREADSHEET_ID": sheet, **mine}
    other.region.env_vars = {**other.region.env_vars, **theirs}
    for region in (place.region, other.region):
        region.save()
    run = sync(place.region, mode="preview")
    if not same:
        assert run.status == RunStatus.COMPLETE
        return
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert run.detail.startswith("Another region has the sheet of purbalingga as well")
    assert run_report(run)["calls"] == {}
    assert sync(other.region, mode="preview").status == RunStatus.FAILED
