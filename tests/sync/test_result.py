"""The result of a sync, field by field, in the report that --json and the API show."""

import json

import pytest

from backoffice.runs.report import run_report
from tests.fhir.world import DUPLICATE, ORDINARY
from tests.processes import Processes
from tests.sync.world import MIXED, Place, refill, refuse_writes_of, revoke_after, sync

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_complete_sync_is_a_success_with_its_figures_and_a_line_for_each_row_that_failed(place: Place) -> None:
    """S1-10, S1-11, S1-13, X-05"""
    result = run_report(sync(place.region))["result"]
    minutes = result.pop("processing_time_minutes")
    assert minutes == round(minutes, 2) < 1
    errors = result.pop("errors")
    assert result == {
        "status": "success",
        "total_records": len(MIXED),
        "successful_updates": 8,
        "failed_updates": 0,
        "patients_not_found": 2,
        "invalid_phones": 2,
        "batches_processed": 1,
        "message": "",
    }
    assert errors[0] == "Row 4: patient not found"
    assert "Row 9: invalid phone: digits lost" in errors
    assert len(errors) == 9


@pytest.mark.slow
def test_a_fatal_error_says_so_and_still_returns_what_was_done(place: Place, processes: Processes) -> None:
    """S1-10, S1-11: the server takes the token for the first hundred rows and then no more."""
    refill(place, [("", value, "081234567890") for value in ORDINARY] * 5)
    revoke_after(place.server, 2)
    process = processes.manage("sync_phones", "--region", "purbalingga", "--wait", "--json")
    assert process.ends(within=60) == 1
    report = json.loads(next(line for line in process.output.splitlines() if line.startswith("{")))
    result = report["result"]
    assert result["status"] == "error"
    assert result["message"].startswith("Processing failed: The FHIR server refuses the token (HTTP 401)")
    assert (result["total_records"], result["batches_processed"], result["successful_updates"]) == (100, 1, 40)


def test_of_thousands_of_errors_the_first_hundred_are_listed(place: Place) -> None:
    """S1-10: the figures count them all."""
    refill(place, [("", f"33{n:014d}", "081234567890") for n in range(150)])
    result = run_report(sync(place.region))["result"]
    assert result["patients_not_found"] == 150
    assert (len(result["errors"]), result["errors"][-1]) == (100, "Row 101: patient not found")


def test_patients_of_a_row_that_failed_in_part_are_counted(place: Place) -> None:
    """S1-16, X-09: one of two was updated; the row failed, the sheet says how much of it, and both are counted."""
    refill(place, [("", DUPLICATE, "081234567802")])
    keys = sorted(patient["id"] for patient in place.carriers(DUPLICATE))
    refuse_writes_of(place.server, keys[1])
    run = sync(place.region)
    result = run_report(run)["result"]
    assert place.outcomes(run) == {2: "refused"}
    assert (result["successful_updates"], result["failed_updates"]) == (1, 1)
    assert place.statuses() == [
        f"failed: Failed 1/2: the FHIR server refused (http_422_invariant) [{run.correlation_id}]"
    ]
