"""A row whose data nobody has foreseen fails alone: the run goes on, and the log says where it was."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from redis import Redis
from structlog.testing import capture_logs

from backoffice.runs.models import RunStatus
from backoffice.runs.report import run_report
from backoffice.sandbox.fhir import FhirServer
from backoffice.sandbox.sheets import Book, SheetsServer
from backoffice.sandbox.sheets.quota import Quota
from regions.models import PhoneRow
from regions.sync.work import Entry
from tests.fhir.world import DUPLICATE, ORDINARY, mobile, patient
from tests.sync.conftest import TOKEN
from tests.sync.world import HEADER, Place, google_place_of, refill, sync

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = [("", value, f"0812345678{n:02d}") for n, value in enumerate(ORDINARY[:5])]


@pytest.mark.parametrize("where", ["regions.sync.prepare.clean", "regions.sync.prepare.decide"])
def test_an_unexpected_fault_of_a_row_is_its_outcome_and_the_loop_continues(
    where: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-07, S1-17: counted, named by its row, logged with the lines that it came through and without its message."""
    module, _, name = where.rpartition(".")
    good: Callable[..., object] = getattr(import_module(module), name)

    def fail_at_row_4(*args: object) -> object:
        entry = next((one for one in args if isinstance(one, Entry)), None)
        if ROWS[2][2] in args or (entry is not None and entry.row.number == 4):
            raise KeyError("a patient's data")
        return good(*args)

    monkeypatch.setattr(where, fail_at_row_4)
    refill(place, ROWS)
    with capture_logs() as events:
        run = sync(place.region)
    assert run.status == RunStatus.COMPLETE
    assert place.outcomes(run) == {2: "updated", 3: "updated", 4: "unexpected", 5: "updated", 6: "updated"}
    result = run_report(run)["result"]
    assert (result["failed_updates"], result["successful_updates"]) == (1, 4)
    assert result["errors"] == ["Row 4: unexpected fault of this row, see the log (KeyError)"]
    [event] = [event for event in events if event["log_level"] == "error"]
    assert (event["event"], event["exc_info"]) == ("Row 4: unexpected fault", True)


@pytest.mark.parametrize(
    "telecom",
    [
        [{"system": "phone", "use": "mobile", "value": "1", "period": {"start": 7}}],
        [{"system": "phone", "use": "mobile", "value": "1", "rank": "first"}],
        [{"system": "phone", "use": "mobile"}],
    ],
)
def test_a_patient_whose_phones_are_no_fhir_stops_nobody(telecom: list[object], place: Place) -> None:
    """S1-07"""
    place.server.store.put(patient("pat-odd", "3300000000001111", telecom=telecom), ours=False)
    refill(place, [*ROWS[:2], ("", "3300000000001111", "081234567899"), *ROWS[3:]])
    run = sync(place.region)
    assert run.status == RunStatus.COMPLETE
    assert [place.outcomes(run)[row] for row in (2, 3, 5, 6)] == ["updated"] * 4


def test_cells_that_no_database_can_hold_stop_nobody(
    tmp_path: Path, server: FhirServer, queue: "Redis", transactional_db: None, settings: object
) -> None:
    """S1-01, S1-07: NUL and half characters, which Google's JSON can carry, wherever they stand."""
    odd = ["a\x00b", "half \ud800", "x" * 5000, "\u202e\u0007", "=1+1"]
    rows = [[text, ORDINARY[0], "081234567801"] for text in odd]
    rows += [["", text, "081234567801"] for text in odd]
    rows += [["", ORDINARY[1], text] for text in odd]
    rows += [["WhatsApp", DUPLICATE, "081234567802"]]
    with SheetsServer(Book({"Sheet1": [list(HEADER), *rows]}), quota=Quota(0)) as sheets:
        place = google_place_of(tmp_path, settings, server, sheets, name="purbalingga", token=TOKEN)
        run = sync(place.region)
    assert (run.status, run.detail) == (RunStatus.COMPLETE, "")
    outcomes = list(place.outcomes(run).values())
    assert outcomes == ["updated", *["unchanged"] * 4, *["not_found"] * 5, *["invalid_phone"] * 5, "updated"]
    assert {mobile(one) for one in place.carriers(DUPLICATE)} == {"+6281234567802"}
    assert not PhoneRow.objects.filter(notice="waiting").exists()


def test_a_country_that_nobody_knows_ends_the_run_and_is_no_fault_of_the_rows(place: Place) -> None:
    """Regions of earlier files may have one."""
    type(place.region).objects.update(country="ZZ")
    run = sync(place.region)
    assert (run.status, run.reason, place.outcomes(run)) == (RunStatus.FAILED, "configuration", {})
    assert run.detail.startswith("Region purbalingga: country is no country whose phone numbers are known")
