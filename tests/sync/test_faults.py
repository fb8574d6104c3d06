"""A server that refuses, breaks off or lets somebody else write: each row says what became of it, none is lost."""

import pytest

from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from regions.jobs import SYNC_PHONES
from regions.models import PhoneUpdate
from tests.fhir.world import ORDINARY, mobile
from tests.processes import Processes
from tests.sync.world import MIXED, NUMBERS, Place, sync

pytestmark = pytest.mark.django_db(transaction=True)
EXPECTED = {row: outcome for row, (_, outcome, _) in enumerate(MIXED, start=2)}


@pytest.mark.parametrize(
    "kind", ["conflict", "drop", "drop_after_write", "entry_missing", "entry429", "http500", "http503", "html"]
)
def test_what_passes_is_tried_again_and_leaves_no_trace(kind: str, place: Place) -> None:
    """S1-19, X-08"""
    place.server.faults.next(kind, 2)
    run = sync(place.region)
    assert (run.status, run.detail) == (RunStatus.COMPLETE, "")
    assert place.server.faults.fired[kind] >= 1
    assert place.outcomes(run) == EXPECTED
    for identifier, number in NUMBERS.items():
        assert {mobile(patient) for patient in place.carriers(identifier)} == {number}
    assert run_report(run)["totals"]["successful_updates"] == 8
    assert not PhoneUpdate.objects.filter(state__in=("intended", "unknown")).exists()


def test_a_patient_that_is_always_changed_before_us_is_a_conflict_and_the_others_are_written(place: Place) -> None:
    """S1-07, S1-16: three times read and decided again, then left."""
    place.server.faults.set("conflict", 1)
    run = sync(place.region, rows="2:3")
    assert place.outcomes(run) == {2: "conflict", 3: "conflict"}
    said = f"the patient was changed meanwhile [{run.correlation_id}]"
    assert place.statuses()[:2] == [f"failed: {said}", f"failed: Failed 2/2: {said}"]
    assert run_report(run)["totals"]["failed_updates"] == 3
    assert PhoneUpdate.objects.filter(state="not written").count() == 3 * 4


def test_what_failed_can_be_synced_once_more_alone(place: Place) -> None:
    place.server.faults.set("conflict", 1)
    first = sync(place.region, rows="2:3")
    place.server.faults.clear()
    sync(place.region, rows="4:5")
    again = sync(place.region, only={"failures_of": first.pk})
    assert place.outcomes(again) == {2: "updated", 3: "updated"}
    assert mobile(place.carriers(ORDINARY[0])[0]) == NUMBERS[ORDINARY[0]]


@pytest.mark.slow
def test_the_command_syncs_what_failed_once_more(place: Place, processes: Processes) -> None:
    place.server.faults.set("conflict", 1)
    first = sync(place.region, rows="2:3")
    place.server.faults.clear()
    process = processes.manage("sync_phones", "--region", "purbalingga", "--failed-of", str(first.pk), "--wait")
    assert process.ends(within=60) == 0, process.output
    run = Run.objects.latest("pk")
    assert run.parameters == {"mode": "write", "only": {"failures_of": first.pk}}
    assert place.outcomes(run) == {2: "updated", 3: "updated"}


def test_what_an_undo_could_not_put_back_is_undone_once_more_and_not_synced(place: Place) -> None:
    run = sync(place.region, rows="2:3")
    place.server.faults.set("conflict", 1)
    undo = sync(place.region, mode="undo", run=run.pk)
    place.server.faults.clear()
    assert run_report(undo)["outcomes"]["conflict"] == 3
    again = sync(place.region, **SYNC_PHONES.failed_only(undo))  # type: ignore[misc]
    assert again.parameters == {"mode": "undo", "run": run.pk}
    assert run_report(again)["outcomes"]["updated"] == 3
    with pytest.raises(Misuse, match="was an undo, which syncs no rows"):
        sync(place.region, only={"failures_of": undo.pk})


@pytest.mark.slow
def test_a_run_that_is_no_number_is_said_in_words(place: Place, processes: Processes) -> None:
    process = processes.manage("sync_phones", "--region", "purbalingga", "--failed-of", "last", "--wait")
    assert process.ends(within=60) == 2
    assert "give the number of the run whose failed rows" in process.output
