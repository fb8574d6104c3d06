"""The silence alarm of what no schedule of ours starts: a night, a recovery, a sync that ran each day and did not."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert, Run
from regions.models import Region
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db
MORNING = datetime.fromisoformat("2026-03-16T02:10:00-05:00")  # a Monday
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def north() -> Region:
    return RegionFactory.create(name="north", display_name="North", time_zone="America/Chicago")


def ran(region: Region, *days_ago: int, job: str = "run_pipeline", **fields: object) -> None:
    for days in days_ago:
        values = {"status": "complete", "reason": "", **fields}
        Run.objects.create(job=job, key=f"{region.name}:{days}", region=region, ended_at=MORNING - days * DAY, **values)


def silent(at: datetime) -> set[str]:
    with time_machine.travel(at, tick=False):
        check_alerts()
    return set(Alert.objects.standing().filter(kind="silence").values_list("key", flat=True))


def test_a_night_that_was_complete_each_day_is_missed_after_26_hours_until_it_is_there(
    north: Region,
) -> None:
    """features.md C4: an expected run did not occur. It was not started, or was stopped before its end."""
    ran(north, *range(8))
    ran(north, -1, status="stopped", reason="stopped")
    assert silent(MORNING + 25 * HOUR) == set()
    assert silent(MORNING + 27 * HOUR) == {"run_pipeline/north"}
    said = Alert.objects.get(kind="silence").message
    assert "for North was complete on 7 days of seven and has not been since 2026-03-16 02:10" in said
    Run.objects.filter(status="stopped").update(status="complete", reason="", ended_at=MORNING + 27 * HOUR)
    assert silent(MORNING + 28 * HOUR) == set()


def test_it_counts_as_given_up_after_a_week(north: Region) -> None:
    ran(north, *range(7))
    assert silent(MORNING + 6 * DAY) == {"run_pipeline/north"}
    assert silent(MORNING + 7 * DAY + HOUR) == set()


def test_a_job_of_working_days_is_not_missed_on_a_saturday_but_on_the_monday_after(north: Region) -> None:
    """Its last Friday is three days ago, on a Monday, and a week ago on that Monday it was complete."""
    ran(north, 3, 4, 5, 6, 7, 10, 11)
    assert silent(MORNING - 2 * DAY + 3 * HOUR) == set()
    assert silent(MORNING + HOUR) == set()
    assert silent(MORNING + 3 * HOUR) == {"run_pipeline/north"}


def test_nights_of_six_days_are_not_missed_on_a_sunday(north: Region) -> None:
    ran(north, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12)
    assert silent(MORNING - 2 * DAY + 27 * HOUR) == set()


def test_a_recovery_of_some_rows_does_not_stand_for_the_night_s(north: Region) -> None:
    ran(north, *range(3, 10), job="recover_services")
    ran(north, 0, 1, 2, job="recover_services", parameters={"only": {"rows": [1]}, "mode": "write"})
    assert silent(MORNING + HOUR) == {"recover_services/north"}


def test_days_are_those_of_the_region(north: Region) -> None:
    """About midnight in UTC one day has two runs and the next none."""
    midnight = datetime(2026, 3, 16, tzinfo=UTC)
    for days in range(8):
        ended = midnight - days * DAY + (2 if days % 2 else -2) * timedelta(minutes=1)
        Run.objects.create(
            job="run_pipeline", key=f"{days}", region=north, status="complete", reason="", ended_at=ended
        )
    assert silent(midnight + 30 * HOUR) == {"run_pipeline/north"}


@pytest.mark.parametrize(
    "fields", [{"exclusive": False}, {"status": "failed"}, {"job": "report"}, {"job": "rerun_pipeline"}]
)
def test_previews_failures_and_what_only_people_start_are_not_counted(north: Region, fields: dict[str, str]) -> None:
    ran(north, *range(8), **fields)
    assert silent(MORNING + 27 * HOUR) == set()


def test_a_paused_region_is_not_missed_and_another_does_not_speak_for_it(north: Region) -> None:
    south = RegionFactory.create(name="south", display_name="South")
    ran(north, *range(8))
    ran(south, *range(-1, 8))
    assert silent(MORNING + 27 * HOUR) == {"run_pipeline/north"}
    Region.objects.filter(pk=north.pk).update(paused=True)
    assert silent(MORNING + 28 * HOUR) == set()
