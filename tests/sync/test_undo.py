"""An undo puts back each telecom that the sync has changed and nobody else since, digit for digit."""

import json

import pytest
from django.core.management import CommandError, call_command

from backoffice.runs.control import start_run
from backoffice.runs.faults import Misuse
from backoffice.runs.models import RunStatus
from backoffice.runs.report import run_report
from backoffice.sandbox.fhir.exact import write as exact
from tests.factories import RegionFactory
from tests.fhir.world import NO_PHONE, ORDINARY, RICH, Json, snapshot
from tests.processes import Processes
from tests.sync.world import NUMBERS, Place, sync

pytestmark = pytest.mark.django_db(transaction=True)


def contents(patients: dict[str, Json]) -> dict[str, bytes]:
    """Without what the server itself counts."""
    return {key: exact({name: one[name] for name in one if name != "meta"}) for key, one in patients.items()}


def test_every_patient_is_again_what_it_was_before_and_the_sheet_says_so(place: Place) -> None:
    """Also where there was no phone, where there were decimals, and where two rows changed one patient."""
    [rich] = place.carriers(RICH)
    decimal = {"url": "https://example.org/trust", "valueDecimal": "\x000.90"}
    place.server.store.put({**rich, "telecom": [{**one, "extension": [decimal]} for one in rich["telecom"]]})
    before = contents(snapshot(place.server.store))
    run = sync(place.region)
    assert contents(snapshot(place.server.store)) != before

    undo = sync(place.region, mode="undo", run=run.pk)
    assert (undo.status, undo.detail) == (RunStatus.COMPLETE, "")
    assert contents(snapshot(place.server.store)) == before
    assert run_report(undo)["outcomes"]["updated"] == run_report(run)["totals"]["successful_updates"]
    assert place.statuses()[0] == f"failed: put back by an undo [{undo.correlation_id}]"
    assert place.statuses()[7].startswith("failed: invalid phone")


def test_a_telecom_that_somebody_has_changed_since_stays_and_is_named(place: Place) -> None:
    run = sync(place.region)
    [theirs], [address] = place.carriers(ORDINARY[0]), place.carriers(NO_PHONE)
    mail = {"system": "email", "value": "new@example.org"}
    place.server.store.put({**theirs, "telecom": [*theirs["telecom"], mail]}, ours=False)
    place.server.store.put({**address, "birthDate": "1990-01-02"}, ours=False)
    undo = sync(place.region, mode="undo", run=run.pk)
    assert run_report(undo)["failures"] == {"conflict": {"changed since the sync": 1}}
    assert mail in place.carriers(ORDINARY[0])[0]["telecom"]
    [now] = place.carriers(NO_PHONE)
    assert (now["birthDate"], now["telecom"]) == ("1990-01-02", place.before[now["id"]]["telecom"])


def test_a_second_undo_changes_nothing(place: Place) -> None:
    run = sync(place.region)
    sync(place.region, mode="undo", run=run.pk)
    before = snapshot(place.server.store)
    again = sync(place.region, mode="undo", run=run.pk)
    # Of two changes of one patient, the later one cannot be put back any more: its patient is further back already.
    assert set(run_report(again)["outcomes"]) <= {"unchanged", "conflict"}
    assert snapshot(place.server.store) == before


def test_the_command_undoes_a_run_where_no_worker_serves(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    run = sync(place.region)
    call_command("undo_phone_sync", "--run", str(run.pk), "--wait", "--json")
    assert json.loads(capsys.readouterr().out)["status"] == "complete"


@pytest.mark.slow
def test_the_command_undoes_a_run(place: Place, processes: Processes) -> None:
    run = sync(place.region)
    process = processes.manage("undo_phone_sync", "--run", str(run.pk), "--wait", "--json")
    assert process.ends(within=60) == 0, process.output
    assert contents(snapshot(place.server.store)) == contents(place.before)
    assert not [number for number in NUMBERS.values() if number in process.output]


def test_only_a_writing_sync_of_the_same_region_can_be_undone(place: Place) -> None:
    preview = sync(place.region, mode="preview")
    other = RegionFactory.create(name="lombok-barat")
    for region, number, says in ((place.region, preview.pk, "nothing to undo"), (other, preview.pk, "of lombok-barat")):
        with pytest.raises(Misuse, match=says):
            start_run("sync_phones", region=region, parameters={"mode": "undo", "run": number})
    with pytest.raises(CommandError, match="There is no run 999"):
        call_command("undo_phone_sync", "--run", "999")
