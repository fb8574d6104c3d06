"""Every kind of row, from an XLSX workbook to a FHIR server over a socket: what it comes to, and what it changes."""

import pytest

from backoffice.runs.models import Failure, Run, RunStatus
from backoffice.runs.report import run_report
from regions.models import PhoneRow, PhoneUpdate
from regions.sync.intents import telecom_before
from tests.fhir.world import ORDINARY, but_telecom, mobile, snapshot
from tests.processes import Processes
from tests.sync.world import MIXED, NUMBERS, Place, refill, sync

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_row_has_its_outcome_and_the_sheet_says_it(place: Place) -> None:
    """S1-13, S1-15, S1-21, S1-31, X-05, X-07"""
    run = sync(place.region)
    assert (run.status, run.detail) == (RunStatus.COMPLETE, "")
    assert place.outcomes(run) == {row: outcome for row, (_, outcome, _) in enumerate(MIXED, start=2)}
    for status, (_, _, expected) in zip(place.statuses(), MIXED, strict=True):
        ending = f"{run.correlation_id}]" if expected.endswith("[") else ""
        assert status == expected + ending
    assert set(PhoneRow.objects.values_list("notice", flat=True)) == {"told"}


def test_every_patient_of_an_identifier_has_the_number_and_nothing_else_is_changed(place: Place) -> None:
    """S1-14, X-07: both duplicates; nobody through another system, nobody merged, inactive or not in the sheet."""
    sync(place.region)
    after = snapshot(place.server.store)
    changed = set()
    for identifier, number in NUMBERS.items():
        patients = place.carriers(identifier)
        assert patients
        assert {mobile(patient) for patient in patients} == {number}
        changed |= {patient["id"] for patient in patients}
    assert {key for key in after if after[key] != place.before[key]} == changed
    assert [key for key in after if but_telecom(after[key]) != but_telecom(place.before[key])] == []
    old = {one["value"] for one in place.before[place.carriers(ORDINARY[0])[0]["id"]]["telecom"]}
    assert old < {one["value"] for one in place.carriers(ORDINARY[0])[0]["telecom"]}


def test_the_report_counts_rows_and_patients_and_both_balance(place: Place) -> None:
    """S1-10, X-05"""
    report = run_report(sync(place.region))
    assert report["read"] == len(MIXED) == sum(report["outcomes"].values())
    totals = report["totals"]
    assert totals["successful_updates"] == 8  # patients: the duplicate is two
    assert totals["successful_updates"] == PhoneUpdate.objects.filter(state="written", counted=True).count()
    assert (totals["patients_not_found"], totals["invalid_phones"], totals["failed_updates"]) == (2, 2, 0)
    assert totals["batches_processed"] == 1
    assert Failure.objects.count() == 9
    assert report["calls"]["sheet_write"] == 1


def test_a_second_run_finds_all_of_it_done_and_writes_nothing(place: Place) -> None:
    first = sync(place.region)
    once = snapshot(place.server.store)
    # Two numbers for one patient: the second one stands, so that the first is a change again, and so is the second.
    repeated = {15: "updated", 16: "updated"}
    second = sync(place.region)
    again = {row: "unchanged" if outcome == "updated" else outcome for row, outcome in place.outcomes(first).items()}
    assert place.outcomes(second) == {**again, **repeated}
    twice = snapshot(place.server.store)
    assert {key for key in twice if twice[key] != once[key]} == {place.carriers(ORDINARY[3])[0]["id"]}


def test_a_preview_says_what_would_be_written_and_writes_nothing(place: Place) -> None:
    run = sync(place.region, mode="preview")
    assert run.status == RunStatus.COMPLETE
    assert snapshot(place.server.store) == place.before
    assert set(place.statuses()) == {None}
    update = PhoneUpdate.objects.get(row=2)
    assert update.state == "previewed"
    assert update.change["number"] == "+6281234567801"
    assert telecom_before(update) == place.carriers(ORDINARY[0])[0]["telecom"]
    assert run_report(run)["totals"]["would_update"] == PhoneUpdate.objects.count()


def test_only_the_rows_that_were_asked_for_are_synced(place: Place) -> None:
    run = sync(place.region, rows="2:3")
    assert place.outcomes(run) == {2: "updated", 3: "updated"}
    assert place.statuses() == ["success", "success", *[None] * (len(MIXED) - 2)]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("600:700", "Rows 600:700 are beyond the sheet; its last row is 18: ask for rows up to that one."),
        ("9:9", "Rows 9:9 of the sheet are blank; its last row is 18: ask for rows up to that one."),
    ],
)
def test_rows_where_the_sheet_has_none_are_said_and_not_complete(place: Place, rows: str, says: str) -> None:
    refill(place, [row if n != 9 else ("", "", "") for n, (row, _, _) in enumerate(MIXED, start=2)])
    run = sync(place.region, rows=rows, mode="preview")
    assert (run.status, run.reason, run.detail) == (RunStatus.FAILED, "wrong_use", says)
    assert run_report(run)["result"]["message"] == f"Processing failed: {says}"


@pytest.mark.slow
def test_the_command_says_so_in_one_line_and_ends_with_status_2(place: Place, processes: Processes) -> None:
    process = processes.manage("sync_phones", "--region", "purbalingga", "--rows", "19:30", "--wait")
    assert process.ends(within=60) == 2, process.output
    says = "failed. Rows 19:30 are beyond the sheet; its last row is 18: ask for rows up to that one."
    assert [line.partition(" failed")[0] for line in process.output.splitlines() if says in line] == [
        f"Run {Run.objects.get().pk}"
    ]


def test_a_column_of_identifiers_and_numbers_is_not_in_the_database_in_clear(place: Place) -> None:
    sync(place.region)
    stored = [*PhoneRow.objects.values_list("key", "status", "reason"), *PhoneUpdate.objects.values_list("change")]
    said = " ".join(str(value.text if hasattr(value, "text") else value) for row in stored for value in row)
    assert not [secret for secret in (*NUMBERS, *NUMBERS.values()) if secret.removeprefix("+62") in said]
