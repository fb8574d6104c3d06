"""How often a FHIR server and a sheet are asked, as they count it themselves."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from redis import Redis

from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from backoffice.sandbox.fhir import FhirServer
from backoffice.sandbox.sheets import Book, SheetsServer
from backoffice.sandbox.sheets.quota import Quota
from tests.fhir.world import patient
from tests.sync.conftest import TOKEN
from tests.sync.proof import check_patients, check_rows, outcomes_of
from tests.sync.town import town_of
from tests.sync.world import HEADER, google_place_of, sync

pytestmark = pytest.mark.django_db(transaction=True)
MOST_REQUESTS, MOST_SHEET_CALLS = 30, 22


def plain(count: int) -> tuple[list[tuple[Any, ...]], list[dict[str, Any]]]:
    """Rows that are all to be written, and their patients."""
    rows = [("survey", f"3303{n:012d}", f"0812{n:08d}") for n in range(count)]
    return rows, [patient(f"p{n}", f"3303{n:012d}") for n in range(count)]


def synced(tmp_path: Path, settings: Settings, server: FhirServer, rows: list[tuple[Any, ...]]) -> SheetsServer:
    """Sync a spreadsheet of Google's that has these rows; the run is complete, and its counts are the servers'."""
    with SheetsServer(Book({"Sheet1": [list(HEADER), *map(list, rows)]}), quota=Quota(0)) as sheets:
        place = google_place_of(tmp_path, settings, server, sheets, name="purbalingga", token=TOKEN)
        run = sync(place.region)
    assert (run.status, run.detail) == (RunStatus.COMPLETE, "")
    calls = run_report(run)["calls"]
    assert calls["fhir_requests"] == server.traffic.requests
    assert calls["sheet_read"] + calls["sheet_write"] == sheets.traffic.requests
    return sheets


@pytest.mark.slow
def test_a_thousand_rows_take_20_requests_and_at_most_22_calls_of_the_sheet(
    tmp_path: Path, settings: Settings, queue: "Redis"
) -> None:
    """X-01, X-02, S1-08: a look-up and a write for each hundred; every row is written."""
    rows, patients = plain(1000)
    with FhirServer(patients, token=TOKEN) as server:
        sheets = synced(tmp_path, settings, server, rows)
        assert len(server.store.written) == 1000
    assert server.traffic.requests == 20
    assert sheets.traffic.requests <= MOST_SHEET_CALLS
    assert [row[4] for row in sheets.book.grid("Sheet1").cells[1:]] == ["success"] * 1000


@pytest.mark.slow
def test_a_town_with_all_kinds_of_rows_stays_within_the_same_bounds(
    tmp_path: Path, settings: Settings, queue: "Redis"
) -> None:
    """X-01, X-02: also where some patients have two rows, of which the second waits for the first."""
    town = town_of(1000)
    there = [one for one in town.patients if one["id"] not in town.gone]
    with FhirServer(there, token=TOKEN) as server:
        sheets = synced(tmp_path, settings, server, town.rows)
        check_patients(town, {key: one for key in server.store.everybody() if (one := server.store.read(key))})
    check_rows(town, outcomes_of(Run.objects.get()))
    thousands = len(town.rows) / 1000
    assert server.traffic.requests <= MOST_REQUESTS * thousands
    assert sheets.traffic.requests <= MOST_SHEET_CALLS * thousands
