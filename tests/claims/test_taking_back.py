"""Taking a night back is a job that goes on where it was killed."""

from pathlib import Path
from typing import Any

import pytest

from backoffice.runs.control import abandon_stale_runs, restart_run, stop_run
from backoffice.runs.faults import Misuse
from backoffice.runs.models import RunStatus
from claims import again, taking_back
from claims.models import Night, StagedBatch
from claims.pipeline import accumulators
from tests.claims.folders import RUN_DATE, run_night, small_world, staged
from tests.claims.undisturbed import forget_the_worker
from tests.running import finish, go_on, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
@pytest.mark.parametrize(("function", "moment"), [("undo", "before"), ("undo", "after"), ("release", "after")])
def test_taking_a_night_back_that_was_killed_comes_to_the_same_when_it_is_given_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, moment: str
) -> None:
    """S2-19, S2-22: also after the night itself is gone."""
    region = staged(tmp_path, small_world())
    run_night(region)
    place: Any = again if function == "undo" else taking_back
    does = getattr(place, function)

    def dies(*arguments: Any) -> None:
        if moment == "after":
            does(*arguments)
        raise SystemExit

    begun = start("undo_pipeline", region, run_date=RUN_DATE.isoformat(), release=True)
    with monkeypatch.context() as patch:
        patch.setattr(place, function, dies)
        with pytest.raises(SystemExit):
            finish(begun)
    forget_the_worker()
    abandon_stale_runs()
    assert go_on(begun).status == RunStatus.COMPLETE
    assert accumulators.stored(region.pk, ["M"]) == {}
    assert not Night.objects.filter(region=region).exists()
    assert StagedBatch.objects.get(region=region).run_date is None


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({}, "Say which night"),
        ({"run_date": "2024-01-14"}, "has no night of 2024-01-14"),
        ({"run_date": "2024-01-15", "release": "yes"}, "release is true or false"),
        ({"run_date": "2024-01-15", "from": "2024-01-15"}, "Not known: from"),
    ],
)
def test_what_names_no_night_to_take_back_is_refused(tmp_path: Path, raw: dict[str, Any], says: str) -> None:
    region = staged(tmp_path, small_world())
    run_night(region)
    with pytest.raises(Misuse, match=says):
        start("undo_pipeline", region, **raw)


@pytest.mark.parametrize(("job", "named"), [("undo_pipeline", ("run_date",)), ("rerun_pipeline", ("from", "to"))])
def test_a_night_does_not_begin_while_it_is_taken_back(tmp_path: Path, job: str, named: tuple[str, ...]) -> None:
    """It would end complete, and its money be gone."""
    region = staged(tmp_path, small_world())
    run = run_night(region)
    undoing = start(job, region, **dict.fromkeys(named, RUN_DATE.isoformat()))
    with pytest.raises(Misuse, match=f"A night of {region.name} is being taken back: run {undoing.pk}"):
        restart_run(run, attended=True, from_step="price")
    stop_run(undoing)
    assert go_on(run, from_step="price").status == RunStatus.COMPLETE
