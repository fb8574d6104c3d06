"""What a sync says in the log: readable lines of a batch and a row, with the run's id, and nothing of a patient."""

import logging
import re
from pathlib import Path

import pytest
from redis import Redis
from structlog.testing import capture_logs

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert, RunStatus
from backoffice.sandbox.fhir import FhirServer
from backoffice.sandbox.fhir.patients import nik
from backoffice.telemetry import tally
from regions.sync import reading
from tests.fhir.world import ORDINARY
from tests.processes import Processes
from tests.sync.conftest import TOKEN
from tests.sync.world import MIXED, NUMBERS, Place, place_of, refill, sync

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def everything_is_logged() -> None:
    logging.getLogger().setLevel(logging.INFO)


def lines_of(place: Place, **parameters: object) -> list[str]:
    with capture_logs() as events:
        run = sync(place.region, **parameters)
    assert run.status == RunStatus.COMPLETE
    return [event["event"] % event.get("positional_args", ()) for event in events]


def unknown(count: int) -> list[tuple[object, ...]]:
    return [("", nik(9, n), f"0812{n:08d}") for n in range(count)]


@pytest.mark.parametrize(("rows", "batches"), [(99, 1), (100, 1), (101, 2), (1000, 10)])
def test_rows_are_worked_a_hundred_at_a_time_and_each_batch_is_named_with_their_number(
    place: Place, rows: int, batches: int
) -> None:
    """S1-08, S1-09: batch k of K, with K = (n-1)//100+1; progress after every 500 rows; the minutes at the end."""
    refill(place, unknown(rows))
    lines = lines_of(place, mode="preview")
    assert "Starting batch processing with batch size: 100" in lines
    named = [line for line in lines if line.startswith("Processing batch")]
    sizes = [100] * (batches - 1) + [rows - 100 * (batches - 1)]
    assert named == [f"Processing batch {k}/{batches} ({size} records)" for k, size in enumerate(sizes, start=1)]
    progress = [line for line in lines if line.startswith("PROGRESS")]
    assert progress == [f"PROGRESS: {n}/{rows}" for n in range(500, rows + 1, 500)]
    assert [line for line in lines if re.fullmatch(r"Processing completed in \d+\.\d\d minutes", line)]


def test_where_more_rows_wait_than_are_read_ahead_it_says_at_least_how_many_batches(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-05, S1-09: not all of a long sheet is held in memory so that it can be counted."""
    monkeypatch.setattr(reading, "AHEAD", 200)
    refill(place, unknown(450))
    named = [line for line in lines_of(place, mode="preview") if line.startswith("Processing batch")]
    assert [line.split(" (")[0][17:] for line in named] == ["1/3+", "2/3+", "3/5+", "4/5+", "5/5"]


def test_each_batch_ends_with_one_line_of_its_figures(place: Place) -> None:
    """S1-30: batch number, record count, failures, as fields."""
    refill(place, [(*row, n) for n, (row, _, _) in enumerate(MIXED)] + unknown(90))
    with capture_logs() as events:
        sync(place.region)
    done = [event for event in events if event["event"] == "batch_done"]
    assert [(one["batch"], one["records"], one["failures"]) for one in done] == [(1, 100, 92), (2, 7, 7)]


def test_the_records_of_batches_are_counted_for_the_alert_that_pings_while_a_sync_runs(
    place: Place, queue: Redis
) -> None:
    """[S1-30] A preview, which writes nothing, is not counted."""
    refill(place, [(*row, n) for n, (row, _, _) in enumerate(MIXED)] + unknown(90))
    tally.flush()
    queue.delete(tally.TOTALS)
    sync(place.region, mode="preview")
    sync(place.region)
    tally.flush()
    assert tally.totals(queue) == {("batch", "purbalingga", "done"): 8, ("batch", "purbalingga", "failed"): 99}


def test_each_status_that_is_written_is_a_line_and_so_is_each_number_that_cannot_be_read(place: Place) -> None:
    """S1-24, S1-27, S1-36"""
    lines = lines_of(place)
    for number, status in enumerate(place.statuses(), start=2):
        assert f"Row {number} (E): {status}" in lines
    assert "Row 9: the phone number cannot be read (digits lost)" in lines
    assert "Row 3: the phone number lacked its leading 0" in lines
    assert not [secret for secret in (*NUMBERS, *NUMBERS.values()) if secret.removeprefix("+62") in "".join(lines)]


@pytest.mark.slow
def test_the_id_in_the_sheet_is_that_of_the_log_s_lines(place: Place, processes: Processes) -> None:
    """S1-06, S1-31, S1-36: all of it on standard error, which is what a central log collects."""
    options = {"LOG_LEVEL": "INFO", "LOG_FORMAT": "json"}
    process = processes.manage("sync_phones", "--region", "purbalingga", "--wait", **options)
    assert process.ends(within=60) == 0
    status = place.statuses()[7]
    found = re.search(r"\[(\w+)\]$", status)
    assert found is not None
    about = [line for line in process.output.splitlines() if "Row 9" in line]
    assert len(about) == 2
    assert all(f'"correlation_id": "{found[1]}"' in line for line in about)


def test_a_sync_most_of_whose_rows_fail_is_an_alert_until_one_goes_well(place: Place) -> None:
    """S1-30: on-call is told when batches are off, though the run itself is complete."""
    refill(place, unknown(30))
    run = sync(place.region)
    check_alerts()
    alert = Alert.objects.standing().get(kind="rows")
    assert alert.message == (
        f"Phone sync for Purbalingga: 30 of 30 rows of run {run.pk} failed, most of them: not found. Open the "
        "run's page: its outcomes lead to the rows."
    )
    assert alert.region == place.region
    refill(place, [("", value, f"0812345678{n:02d}") for n, value in enumerate(ORDINARY[:25])])
    sync(place.region)
    check_alerts()
    assert not Alert.objects.standing().filter(kind="rows").exists()


def test_a_region_without_syncs_or_with_a_few_bad_rows_is_no_alert(
    tmp_path: Path, server: FhirServer, place: Place
) -> None:
    """S1-30"""
    place_of(tmp_path, server, [], name="lombok-barat", token=TOKEN)
    refill(place, unknown(3))
    sync(place.region)
    check_alerts()
    assert not Alert.objects.standing().filter(kind="rows").exists()
