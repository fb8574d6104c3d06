"""The forecast of a night: its window, its end, its ways to go on, its capacity, and the alert before the miss."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert, Run, StepPart, StepState
from claims.forecast import capacity, forecast
from claims.models import StagedBatch
from claims.window import run_date_at, window_of
from regions.models import Region
from tests.claims.nights import make_night, make_run
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db

NIGHT = date(2026, 3, 2)
OPENS = datetime(2026, 3, 3, 4, tzinfo=UTC)  # 22:00 in Chicago
CLOSES = OPENS + timedelta(hours=6)
MINUTE = 60


@pytest.fixture
def region() -> Region:
    return RegionFactory.create(name="north", time_zone="America/Chicago")


def minutes(seconds: float) -> int:
    return round(seconds / MINUTE)


@pytest.mark.parametrize(
    ("run_date", "zone", "hours"),
    [
        (date(2026, 3, 2), "America/Chicago", 6),
        (date(2026, 3, 7), "America/Chicago", 5),  # clocks go forward
        (date(2026, 10, 31), "America/Chicago", 7),  # and back
        (date(2026, 3, 7), "Asia/Jakarta", 6),
    ],
)
def test_the_window_is_that_of_the_regions_clocks(run_date: date, zone: str, hours: int) -> None:
    window = window_of(run_date, RegionFactory.create(time_zone=zone).zone)
    assert window.closes - window.opens == timedelta(hours=hours)


def test_before_four_in_the_morning_it_is_still_the_night_before(region: Region) -> None:
    assert run_date_at(CLOSES - timedelta(seconds=1), region.zone) == NIGHT
    assert run_date_at(CLOSES, region.zone) == NIGHT + timedelta(days=1)


def test_a_night_that_has_not_begun_takes_five_hours_for_two_point_eight_million_lines(region: Region) -> None:
    StagedBatch.objects.create(region=region, source="a test", lines=2_800_000)
    night = forecast(region, NIGHT, OPENS - timedelta(hours=3))
    assert [minutes((step.ends - step.begins).total_seconds()) for step in night.steps] == [25, 40, 55, 70, 90, 20]
    assert night.ends == OPENS + timedelta(hours=5)
    assert minutes(night.slack) == 60


def test_steps_that_have_not_begun_go_at_the_speed_that_the_night_has_shown(region: Region) -> None:
    make_night(region, NIGHT, begins=OPENS, speed=2, upto="price", share=0.5, status="running")
    now = OPENS + timedelta(minutes=60 + 17.5)
    night = forecast(region, NIGHT, now)
    assert minutes((night.ends - now).total_seconds()) == round(17.5 + 45 + 10)
    assert [step.expected for step in night.steps] == [False, False, False, True, True, True]
    assert [minutes(step.rate * MINUTE * MINUTE) for step in night.steps][3:4] == [minutes(2_800_000 / 35 * MINUTE)]
    assert night.choices == ()


def test_what_was_measured_on_complete_nights_is_worth_more_than_the_default(region: Region) -> None:
    make_night(region, NIGHT - timedelta(days=1), speed=10, lines=1_000_000)
    StagedBatch.objects.create(region=region, source="a test", lines=2_800_000)
    night = forecast(region, NIGHT, OPENS)
    assert minutes((night.ends - OPENS).total_seconds()) == 30


def test_another_regions_nights_say_nothing(region: Region) -> None:
    make_night(RegionFactory.create(name="south"), NIGHT - timedelta(days=1), speed=10)
    StagedBatch.objects.create(region=region, source="a test", lines=2_800_000)
    assert forecast(region, NIGHT, OPENS).ends == OPENS + timedelta(hours=5)


def test_partitions_that_are_worked_at_once_share_the_time(region: Region) -> None:
    make_night(region, NIGHT, begins=OPENS, upto="enrich", share=0.5, status="running")
    part = StepPart.objects.get(step__name="enrich")
    half = {"totals": {"in": 700_000}, "seconds": part.seconds}
    StepPart.objects.filter(pk=part.pk).update(**half)
    StepPart.objects.create(step=part.step, run=part.run, partition=1, status="running", **half)
    night = forecast(region, NIGHT, OPENS + timedelta(minutes=90))
    step = night.steps[2]
    assert minutes((step.ends - night.now).total_seconds()) == round(55 / 2)


def test_a_failed_night_has_the_finish_of_each_way_to_go_on(region: Region) -> None:
    make_night(region, NIGHT, begins=OPENS, upto="price", share=0.5, status="failed", reason="configuration")
    now = OPENS + timedelta(minutes=170)
    night = forecast(region, NIGHT, now)
    assert [(each.step, minutes(each.seconds), each.in_time) for each in night.choices] == [
        ("", 35 + 110, True),
        ("price", 70 + 110, True),
        ("enrich", 55 + 180, False),
        ("validate", 40 + 235, False),
        ("extract", 25 + 275, False),
    ]
    assert night.ends == night.choices[0].ends


def test_a_complete_night_ended_when_it_did_and_can_be_run_from_each_step(region: Region) -> None:
    make_night(region, NIGHT, begins=OPENS)
    night = forecast(region, NIGHT, OPENS + timedelta(days=1))
    assert night.ends == OPENS + timedelta(hours=5)
    assert minutes(night.slack) == 60
    assert [each.step for each in night.choices][:2] == ["remit", "adjudicate"]
    assert "" not in [each.step for each in night.choices]


def test_a_step_that_was_restarted_counts_what_it_worked_and_not_the_hours_between(region: Region) -> None:
    make_night(region, NIGHT, begins=OPENS)
    StepState.objects.filter(name="price").update(restart_count=1, ended_at=OPENS + timedelta(days=2))
    found = forecast(region, NIGHT).capacity
    assert found is not None
    assert minutes(found.seconds_per_line * 2_800_000) == 300


def test_rejected_lines_are_not_waited_for(region: Region) -> None:
    make_night(region, NIGHT, begins=OPENS, upto="enrich", share=0.5, status="running")
    StepPart.objects.filter(step__name="enrich").update(totals={"in": 700_000})
    outputs = StepState.objects.get(name="validate").outputs
    outputs["valid"]["count"] = 1_400_000
    StepState.objects.filter(name="validate").update(outputs=outputs)
    assert [step.pace.lines for step in forecast(region, NIGHT, OPENS).steps[2:]] == [1_400_000] * 4


def test_five_hours_for_two_point_eight_million_are_full_at_three_point_three_six_in_nineteen_months() -> None:
    """X-14"""
    found = capacity(2_800_000, 5 * 3600, NIGHT)
    assert found.full == 3_360_000
    assert round(found.months) == 19
    assert found.on == date(2027, 10, 10)


@pytest.mark.parametrize(("lines", "speed"), [(1, 1.0), (9_999, 1.0), (2_800_000, 5_000.0)])
def test_a_night_too_small_or_too_quick_tells_nothing_of_a_full_window(
    region: Region, lines: int, speed: float
) -> None:
    """X-14: what it takes before its first line would be taken for what its lines take."""
    make_night(region, NIGHT, lines=lines, speed=speed)
    assert forecast(region, NIGHT).capacity is None
    text = told(region="north")
    assert "When the window is full cannot be told by a night of less than 10,000 lines or 10 seconds." in text
    assert json.loads(told(json=True))["nights"][0]["capacity"] is None


def test_a_window_that_is_too_small_says_so(region: Region) -> None:
    assert capacity(2_800_000, 7 * 3600, NIGHT).months < 0


def told(**options: Any) -> str:
    out = StringIO()
    call_command("pipeline_forecast", stdout=out, **options)
    return out.getvalue()


def test_the_command_says_it_in_words(region: Region) -> None:
    make_night(region, NIGHT, begins=OPENS, upto="price", share=0.5, status="failed", reason="configuration")
    text = told(region="north")
    assert "north, night of 2026-03-02: failed, 2,800,000 lines. It will be done" in text
    assert "after 04:00" in text
    assert "Resume after the last checkpoint" in text
    assert "12 % more each year" in text


def test_the_command_says_it_as_json_and_without_anything_to_say(region: Region) -> None:
    assert "No night has been run" in told()
    StagedBatch.objects.create(region=region, source="a test", lines=2_800_000)
    (night,) = json.loads(told(json=True))["nights"]
    assert (night["region"], night["status"], night["lines"]) == ("north", "not begun", 2_800_000)
    assert night["capacity"]["lines"] == 3_360_000


def test_the_command_lists_the_regions_there_are(region: Region) -> None:
    with pytest.raises(CommandError, match="Regions: north"):
        told(region="nowhere")


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What time it is."""

    def set_to(now: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: now)

    return set_to


def alerts() -> list[str]:
    check_alerts()
    return list(Alert.objects.standing().filter(kind="deadline").values_list("message", flat=True))


def test_the_alert_comes_before_the_miss_and_goes_by_itself(region: Region, at: Any) -> None:
    make_night(region, NIGHT, begins=OPENS, speed=0.5, upto="price", share=0.1, status="running")
    at(OPENS + timedelta(hours=4, minutes=15))
    (message,) = alerts()
    assert "is running and will be done" in message
    assert "after 04:00" in message
    StepPart.objects.filter(step__name="price").update(seconds=60)
    Run.objects.update(status="complete")
    assert alerts() == []


def test_a_night_in_good_time_is_no_alert(region: Region, at: Any) -> None:
    make_night(region, NIGHT, begins=OPENS, upto="price", share=0.5, status="running")
    at(OPENS + timedelta(minutes=155))
    assert alerts() == []


def test_a_failed_night_is_an_alert_once_resuming_it_would_be_too_late(region: Region, at: Any) -> None:
    make_night(region, NIGHT, begins=OPENS, upto="price", share=0.5, status="failed", reason="configuration")
    at(OPENS + timedelta(hours=2))
    assert alerts() == []
    at(OPENS + timedelta(hours=5))
    (message,) = alerts()
    assert "has failed and will be done" in message
    assert "even if it is resumed now" in message
    at(CLOSES + timedelta(hours=1))
    assert len(alerts()) == 1
    at(CLOSES + timedelta(hours=19))
    assert alerts() == []


def test_a_night_that_nobody_has_begun_is_an_alert_once_it_is_too_late_to_begin(region: Region, at: Any) -> None:
    StagedBatch.objects.create(region=region, source="a test", lines=2_800_000)
    at(OPENS + timedelta(minutes=59))
    assert alerts() == []
    at(OPENS + timedelta(minutes=61))
    (message,) = alerts()
    assert "has not begun" in message


def test_a_night_that_nobody_has_begun_stays_an_alert_until_it_is_past(region: Region, at: Any) -> None:
    """Also a small one, which would have been in time up to the last minute."""
    StagedBatch.objects.create(region=region, source="a test", lines=1_000, created_at=OPENS - timedelta(hours=8))
    for now in (OPENS - timedelta(hours=6), OPENS + timedelta(hours=1), CLOSES - timedelta(minutes=1)):
        at(now)
        assert alerts() == []
    for now in (CLOSES, CLOSES + timedelta(hours=17)):
        at(now)
        assert alerts() == ["north: the night of 2026-03-02 has not begun and has missed its deadline."]
    at(CLOSES + timedelta(hours=18))
    assert alerts() == []


@pytest.mark.parametrize(
    ("begun", "fields"),
    [
        (False, {"created_at": CLOSES + timedelta(minutes=1)}),
        (False, {"created_at": OPENS, "not_before": NIGHT + timedelta(days=1)}),
        (True, {"created_at": OPENS + timedelta(hours=1)}),
    ],
)
def test_claims_that_were_not_for_the_night_before_raise_no_alert_of_it(
    region: Region, at: Any, begun: bool, fields: dict[str, Any]
) -> None:
    """They came after it, or may not be in it, or it was run before they came."""
    StagedBatch.objects.create(region=region, source="a test", lines=1_000, **fields)
    if begun:
        make_run(region, NIGHT)
    at(CLOSES + timedelta(hours=1))
    assert alerts() == []


def test_more_claims_than_a_window_holds_are_an_alert_before_it_opens(region: Region, at: Any) -> None:
    StagedBatch.objects.create(region=region, source="a test", lines=5_000_000)
    at(OPENS - timedelta(hours=8))
    assert len(alerts()) == 1


def test_a_night_of_long_ago_is_no_alert(region: Region, at: Any) -> None:
    make_night(region, NIGHT, begins=OPENS, upto="price", share=0.5, status="stopped", reason="stopped")
    at(OPENS + timedelta(days=5))
    assert alerts() == []


def test_a_queued_night_counts_from_now(region: Region) -> None:
    make_run(region, NIGHT, status="queued")
    StagedBatch.objects.create(region=region, source="a test", lines=2_800_000)
    now = OPENS + timedelta(hours=1)
    assert forecast(region, NIGHT, now).ends == now + timedelta(hours=5)
