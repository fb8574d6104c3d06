"""The sheet refuses, hangs up or is out of quota while patients are written: the run goes on, and tells it later."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings
from redis import Redis
from structlog.testing import capture_logs

from backoffice.runs.models import RunStatus
from backoffice.sandbox.fhir import FhirServer
from backoffice.sandbox.sheets import Book, SheetsServer
from backoffice.sandbox.sheets.quota import Quota
from regions.models import PhoneRow
from regions.sync import scope
from tests.fhir.world import ORDINARY, mobile
from tests.sheets.world import QUICK
from tests.sync.conftest import TOKEN
from tests.sync.world import HEADER, STATUS_COLUMN, Place, google_place_of, sync

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = [["WhatsApp", value, f"0812345678{n:02d}"] for n, value in enumerate(ORDINARY)]


@pytest.fixture
def sheets() -> Iterator[SheetsServer]:
    with SheetsServer(Book({"Sheet1": [list(HEADER), *ROWS]}), quota=Quota(0)) as served:
        yield served


@pytest.fixture
def place(
    tmp_path: Path, settings: Settings, server: FhirServer, sheets: SheetsServer, queue: "Redis",
    transactional_db: None, monkeypatch: pytest.MonkeyPatch,
) -> Place:  # fmt: skip
    monkeypatch.setattr("backoffice.adapters.sheets.posting.tell.__defaults__", (QUICK,))
    return google_place_of(tmp_path, settings, server, sheets, name="purbalingga", token=TOKEN)


def statuses(sheets: SheetsServer) -> list[object]:
    rows = sheets.book.grid("Sheet1").cells[1:]
    return [row[STATUS_COLUMN - 1] if len(row) >= STATUS_COLUMN else "" for row in rows]


def test_a_status_that_cannot_be_written_is_logged_and_told_by_the_next_run(place: Place, sheets: SheetsServer) -> None:
    """S1-22: never raised; the patients are written all the same."""
    sheets.faults.set("write500", 1)
    with capture_logs() as events:
        run = sync(place.region)
    assert run.status == RunStatus.COMPLETE
    assert {event["fault"] for event in events if event["event"] == "statuses_not_written"} == {"http_500"}
    assert set(statuses(sheets)) == {""}
    assert mobile(place.carriers(ORDINARY[0])[0]) == "+6281234567800"
    assert PhoneRow.objects.filter(notice="waiting").count() == len(ROWS)

    sheets.faults.clear()
    sync(place.region, rows="2:2")
    assert statuses(sheets) == ["unchanged", *["success"] * (len(ROWS) - 1)]
    assert not PhoneRow.objects.filter(notice="waiting").exists()


def test_a_row_that_an_operator_has_moved_meanwhile_is_followed(place: Place, sheets: SheetsServer) -> None:
    """X-09: sorted after the rows were read; each status stands beside its own identifier."""
    sheets.after["values.batchGet"] = {"sort": {"column": 2, "descending": True}}
    run = sync(place.region, rows=f"2:{len(ROWS) // 2}")
    assert run.status == RunStatus.COMPLETE
    done = {ORDINARY[n] for n in range(len(ROWS) // 2 - 1)}
    said = {str(row[1]): row[STATUS_COLUMN - 1] for row in sheets.book.grid("Sheet1").cells[1:] if len(row) > 4}
    assert {identifier for identifier, status in said.items() if status == "success"} == done


@pytest.mark.slow
def test_statuses_of_several_runs_go_to_their_own_rows_though_the_sheet_was_sorted_between(
    place: Place, sheets: SheetsServer
) -> None:
    """X-09: none is superseded by what became of another patient, who stands in its old row by now."""
    sheets.faults.set("write500", 1)
    first = sync(place.region)
    grid = sheets.book.grid("Sheet1").cells
    grid[1:] = grid[:0:-1]
    second = sync(place.region, rows="2:4")
    sheets.faults.clear()
    sync(place.region, rows="2:2")

    last = len(ROWS) + 1
    assert statuses(sheets) == ["unchanged"] * 3 + ["success"] * (len(ROWS) - 3)
    notices = dict(PhoneRow.objects.filter(run=first).values_list("row", "notice"))
    assert notices == dict.fromkeys(range(2, last + 1), "told")
    assert set(PhoneRow.objects.filter(run=second).values_list("notice", flat=True)) == {"told"}


@pytest.mark.slow
def test_an_older_status_of_the_same_row_is_not_told_any_more(place: Place, sheets: SheetsServer) -> None:
    sheets.faults.set("write500", 1)
    first, second = sync(place.region), sync(place.region, rows="2:3")
    sheets.faults.clear()
    sync(place.region, rows="4:4")
    superseded = PhoneRow.objects.filter(notice="superseded").order_by("row")
    assert list(superseded.values_list("run", "row")) == [(first.pk, 2), (first.pk, 3)]
    assert set(PhoneRow.objects.filter(run=second).values_list("notice", flat=True)) == {"told"}
    assert statuses(sheets)[:3] == ["unchanged"] * 3


def test_rows_do_not_wait_for_the_quota_of_the_sheet(
    place: Place, sheets: SheetsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X-02, S1-04: what cannot be told at once is told together, when there is a turn; the quota is kept."""
    monkeypatch.setattr(scope, "BATCH", 4)
    sheets.quota.limit, sheets.quota.seconds = 60, 60.0
    run = sync(place.region)
    assert statuses(sheets) == ["success"] * len(ROWS)
    assert sheets.quota.refused == 0
    assert sheets.calls["values.batchUpdate"] <= 3
    assert run.status == RunStatus.COMPLETE
