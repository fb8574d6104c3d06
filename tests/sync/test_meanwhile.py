"""What happens to a patient between two moments of a sync: what is written is decided by the patient as it is."""

from collections.abc import Callable

import pytest

from backoffice.runs.models import Run, RunStatus
from backoffice.sandbox.fhir import SYSTEM, FhirServer
from regions.models import PhoneRow, PhoneUpdate
from tests.fhir.world import ORDINARY, Json, mobile
from tests.sync.world import NUMBERS, Place, sync

pytestmark = pytest.mark.django_db(transaction=True)


def before_the_first_write(server: FhirServer, change: Callable[[Json], Json]) -> None:
    """Somebody else is faster: the patient that is written first is another one by then."""
    put = server.store.put
    done: list[str] = []

    def put_after(patient: Json, **options: object) -> int:
        if not done:
            done.append(patient["id"])
            now = server.store.read(patient["id"])
            assert now is not None
            put(change(now), ours=False)
        return put(patient, **options)  # type: ignore[arg-type]

    server.store.put = put_after  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param({"identifier": [{"system": SYSTEM, "value": "3300000000008888"}]}, id="another identifier"),
        pytest.param({"link": [{"type": "replaced-by", "other": {"reference": "Patient/b"}}]}, id="merged"),
        pytest.param({"active": False}, id="inactive"),
    ],
)
def test_a_patient_that_its_row_no_longer_stands_for_is_not_written(place: Place, elements: Json) -> None:
    """X-07: after a conflict the patient is read again, and must still be the one that the identifier names."""
    [before] = place.carriers(ORDINARY[0])
    before_the_first_write(place.server, lambda patient: {**patient, **elements})
    run = sync(place.region, rows="2:2")
    assert run.status == RunStatus.COMPLETE
    assert PhoneRow.objects.values_list("outcome", "reason").get() == ("conflict", "no longer this patient")
    now = place.server.store.read(before["id"])
    assert now is not None
    assert now["telecom"] == before["telecom"]


def left_open(place: Place, run: Run, state: str) -> PhoneUpdate:
    """The change of row 2 as a worker that died left it."""
    update = PhoneUpdate.objects.get(run=run, row=2)
    PhoneUpdate.objects.filter(pk=update.pk).update(state=state, counted=False)
    return update


@pytest.mark.parametrize("state", ["intended", "unknown"])
def test_a_number_that_was_there_before_is_no_sign_that_our_write_was_done(place: Place, state: str) -> None:
    """Of an open change whose patient is still in the version that was to be changed, nothing was written."""
    run = sync(place.region, rows="2:2")
    update = left_open(place, run, state)
    [patient] = place.carriers(ORDINARY[0])
    PhoneUpdate.objects.filter(pk=update.pk).update(version_before=patient["meta"]["versionId"])
    sync(place.region, rows="3:3")
    update.refresh_from_db()
    assert update.state == "not written"


@pytest.mark.parametrize("state", ["intended", "unknown"])
def test_a_preview_settles_nothing_since_a_run_may_be_writing_it_just_now(place: Place, state: str) -> None:
    run = sync(place.region, rows="2:2")
    update = left_open(place, run, state)
    preview = sync(place.region, mode="preview", rows="3:3")
    update.refresh_from_db()
    assert (preview.status, update.state) == (RunStatus.COMPLETE, state)
    sync(place.region, rows="3:3")
    update.refresh_from_db()
    assert update.state == "written"
    assert mobile(place.carriers(ORDINARY[0])[0]) == NUMBERS[ORDINARY[0]]
