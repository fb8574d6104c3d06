"""How often a step should commit: what a restart and the commits cost, and when nothing can be said yet."""

import json
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from backoffice.runs.models import Run, StepPart
from claims.advice import Measured, advise, option
from claims.advice_words import in_words, reason
from claims.measured import advice_of
from claims.models import Restoration, StepSetting
from regions.models import Region
from tests.claims.folders import line, night_of, run_night, small_world, staged
from tests.claims.nights import make_night
from tests.factories import RegionFactory

FEW, MANY = 5_000, 2_000


def old_system(**values: Any) -> Measured:
    """STEP050 as it was: 840 more commits cost two minutes; to put back 5,000 lines took fifteen."""
    known = {
        "step": "adjudicate", "nights": 5, "lines": 2_800_000, "per_line": 0.0, "per_checkpoint": 120 / 840,
        "alone": False, "restore_per_line": 15 * 60 / FEW, "restores": 3, "at_once": 1.0,
    }  # fmt: skip
    return Measured(**{**known, **values})


def test_the_worked_example_is_560_commits_and_15_minutes_against_1400_and_less_than_6() -> None:
    """S2-40 X-14"""
    few, many = option(old_system(), FEW), option(old_system(), MANY)
    assert (few.commits, many.commits, many.commits - few.commits) == (560, 1_400, 840)
    assert round(few.restart / 60) == 15
    assert round(many.restore / 60, 2) == 6.0
    assert round(many.overhead - few.overhead) == 120
    assert few.together - many.together > 6 * 60


def test_the_worked_example_is_advised_to_commit_more_often_and_why() -> None:
    """S2-09 S2-40"""
    advice = advise(old_system(), FEW)
    assert advice.change
    assert advice.best is not None
    assert advice.best.frequency == MANY
    assert reason(advice) == (
        "Better 2,000: a night that restarts is 7 min 0 s shorter. The restart takes 6 min 0 s at the most in place of"
        " 15 min 0 s, the commits 2 min 0 s more every night (1,400 commits in place of 560)."
    )
    assert [each.frequency for each in advice.options] == [2_000, 5_000, 10_000]


def test_what_is_best_already_is_left() -> None:
    advice = advise(old_system(), MANY)
    assert not advice.change
    assert reason(advice).startswith("Leave it at 2,000")
    assert [each.frequency for each in advice.options] == [1_000, 2_000, 5_000]


def test_a_gain_of_a_moment_is_no_reason_to_change() -> None:
    assert not advise(old_system(per_checkpoint=0.001, restore_per_line=0.0001), FEW).change


def test_where_commits_cost_more_than_restarts_they_are_made_less_often() -> None:
    advice = advise(old_system(per_checkpoint=2.0, restore_per_line=0.0, per_line=0.0001), MANY)
    assert advice.best is not None
    assert advice.best.frequency > 100_000
    assert "less every night" in reason(advice)


def test_parts_that_work_at_once_share_the_commits_but_not_the_restart() -> None:
    alone, four = option(old_system(), MANY), option(old_system(at_once=4.0), MANY)
    assert four.commits == alone.commits
    assert four.overhead == alone.overhead / 4
    assert four.restore == alone.restore


def test_without_a_night_nothing_is_advised() -> None:
    advice = advise(None, FEW)
    assert (advice.options, advice.change) == ((), False)
    assert "Nothing is measured yet" in in_words("price", advice)


@pytest.fixture
def region(db: None) -> Region:
    return RegionFactory.create(name="north")


def night_at(region: Region, day: int, *, lines: int, frequency: int) -> None:
    """A night whose adjudication took 0.2 ms a line and 50 ms a checkpoint."""
    run = make_night(region, date(2026, 3, day), lines=lines, begins=datetime(2026, 3, day, 4, tzinfo=UTC))
    checkpoints = lines // frequency
    StepPart.objects.filter(step__chain=run.chain, step__name="adjudicate").update(
        seconds=lines * 0.0002 + checkpoints * 0.05, checkpoint_number=checkpoints, checkpoint={"images": lines // 2}
    )


def test_nights_of_different_frequencies_tell_lines_from_checkpoints(region: Region) -> None:
    night_at(region, 2, lines=1_000_000, frequency=2_000)
    night_at(region, 3, lines=1_200_000, frequency=10_000)
    measured = advice_of([region])["adjudicate"].measured
    assert measured is not None
    assert measured.per_checkpoint == pytest.approx(0.05)
    assert measured.per_line == pytest.approx(0.0002)
    assert not measured.alone
    assert (measured.nights, measured.lines, measured.restore_per_line) == (2, 1_200_000, None)


def test_nights_of_one_frequency_tell_no_more_than_their_commits_took(region: Region) -> None:
    night_at(region, 2, lines=1_000_000, frequency=2_000)
    assert advice_of([region])["adjudicate"].options == ()
    StepPart.objects.filter(step__name="adjudicate").update(commit_seconds=499 * 0.02)
    advice = advice_of([region])["adjudicate"]
    assert advice.measured is not None
    assert advice.measured.per_checkpoint == pytest.approx(0.02)
    assert "the most that fewer of them save" in in_words("adjudicate", advice)
    assert "no restart has put accumulators back yet" in in_words("adjudicate", advice)


def test_another_regions_nights_say_nothing_of_this_one(region: Region) -> None:
    night_at(RegionFactory.create(name="south"), 2, lines=1_000_000, frequency=2_000)
    assert advice_of([region])["adjudicate"].measured is None


def test_what_a_restart_puts_back_is_measured_where_it_happens(region: Region) -> None:
    night_at(region, 2, lines=1_000_000, frequency=2_000)
    StepPart.objects.filter(step__name="adjudicate").update(commit_seconds=499 * 0.02)
    night = night_of(Run.objects.get())
    Restoration.objects.create(night=night, partition=0, checkpoint=7, images=1_000, members=900, seconds=2.0)
    measured = advice_of([region])["adjudicate"].measured
    assert measured is not None
    assert measured.restore_per_line == pytest.approx(0.002 * 0.5)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_real_night_is_measured_by_itself(tmp_path: Path) -> None:
    lines = [line(f"C{number:03}", billed=f"{number + 1}.00") for number in range(60)]
    region = staged(tmp_path, small_world(claim_lines=lines))
    run = run_night(region, frequency=5)
    part = StepPart.objects.get(step__chain=run.chain, step__name="adjudicate")
    assert part.checkpoint_number > 5
    assert 0 < part.commit_seconds < part.seconds
    advice = advice_of([region])["adjudicate"]
    assert advice.measured is not None
    assert advice.measured.per_checkpoint
    assert advice.present in [each.frequency for each in advice.options]


def told(**options: Any) -> str:
    out = StringIO()
    call_command("pipeline_forecast", stdout=out, **options)
    return out.getvalue()


def test_the_command_advises_when_asked(region: Region) -> None:
    night_at(region, 2, lines=1_000_000, frequency=2_000)
    StepPart.objects.filter(step__name="adjudicate").update(commit_seconds=499 * 0.02)
    assert "checkpoint" not in told().replace("Resume after the last checkpoint", "")
    text = told(advise=True)
    assert "adjudicate, 2,000 lines a checkpoint" in text
    assert "500 commits 10 s, restart" in text
    assert text.count("Nothing is measured yet") == 5
    (found,) = json.loads(told(advise=True, json=True))["advice"].values()
    assert [each["step"] for each in found] == list(StepSetting.objects.values_list("step", flat=True))
    assert found[4]["commit_frequency"] == 2_000
    assert 2_000 in [each["commit_frequency"] for each in found[4]["options"]]


def test_the_command_says_where_nothing_is_measured(region: Region) -> None:
    assert told(advise=True).count("Nothing is measured yet") == 6
