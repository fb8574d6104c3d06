"""A sync that is killed between writing and committing, and restarted: every change is made once, and counted."""

import signal
from collections.abc import Callable

import pytest
from pytest_django import Settings

from backoffice.runs.control import abandon_stale_runs
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from backoffice.sandbox.fhir import FhirServer
from regions.models import PhoneUpdate
from tests.fhir.world import DUPLICATE, ORDINARY, mobile
from tests.processes import Processes, Running, until
from tests.sync.world import MIXED, NUMBERS, Place

pytestmark = pytest.mark.django_db(transaction=True)
QUICK_DEATH = {"RUN_HEARTBEAT_SECONDS": "0.2", "RUN_STALE_SECONDS": "1"}


def kill_at_write(server: FhirServer, number: int, running: Callable[[], Running]) -> None:
    """The process is gone as soon as the server has done that many writes, before it answers."""
    put = server.store.put

    def put_and_kill(*args: object, **options: object) -> int:
        version = put(*args, **options)  # type: ignore[arg-type]
        if len(server.store.written) == number:
            running().signal(signal.SIGKILL)
        return version

    server.store.put = put_and_kill  # type: ignore[method-assign]


@pytest.mark.slow
@pytest.mark.parametrize(
    "writes",
    [
        pytest.param(1, id="within the batch", marks=pytest.mark.slow),
        pytest.param(7, id="at its end", marks=pytest.mark.slow),
        pytest.param(8, id="in the second round"),
    ],
)
def test_what_was_written_before_the_kill_is_counted_after_it_and_not_written_again(
    place: Place, processes: Processes, settings: Settings, writes: int
) -> None:
    started: list[Running] = []
    kill_at_write(place.server, writes, lambda: started[0])
    started.append(processes.manage("sync_phones", "--region", "purbalingga", "--wait", **QUICK_DEATH))
    assert started[0].ends(within=60) == -signal.SIGKILL
    assert len(place.server.store.written) >= writes
    assert place.outcomes(Run.objects.get()) == {}

    settings.RUN_STALE_SECONDS = 1.0
    until(lambda: abandon_stale_runs() or not Run.objects.filter(status__in=("queued", "running")).exists())
    again = processes.manage("sync_phones", "--region", "purbalingga", "--wait", "--json", **QUICK_DEATH)
    assert again.ends(within=60) == 0, again.output
    run = Run.objects.get(attempt=2)
    assert run.status == RunStatus.COMPLETE
    assert place.outcomes(run) == {row: outcome for row, (_, outcome, _) in enumerate(MIXED, start=2)}
    for identifier, number in NUMBERS.items():
        assert {mobile(patient) for patient in place.carriers(identifier)} == {number}
    for identifier in (ORDINARY[0], DUPLICATE, ORDINARY[4]):
        assert {patient["meta"]["versionId"] for patient in place.carriers(identifier)} == {"2"}
    [twice] = place.carriers(ORDINARY[3])  # two rows, two numbers
    assert twice["meta"]["versionId"] == "3"
    assert not PhoneUpdate.objects.filter(state__in=("intended", "unknown")).exists()
    assert run_report(run)["totals"]["successful_updates"] == 8
    assert [str(status).split(":")[0] for status in place.statuses()] == [said.split(":")[0] for _, _, said in MIXED]
