"""Accumulators that somebody else than the nights has changed, and what a restart puts back, over real nights."""

from datetime import date
from pathlib import Path

import pytest

from backoffice.runs.models import RunStatus
from claims.clashes import clashes
from claims.ledger import ledger
from claims.models import Accumulator, Night, Restoration
from claims.pipeline import accumulators
from regions.models import Region
from tests.claims.folders import line, plan, run_night, small_world, staged

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, SECOND = date(2024, 1, 15), date(2024, 1, 16)


@pytest.fixture
def region(tmp_path: Path) -> Region:
    """Whose first night has met $100.00 of a deductible of $500.00, and whose second night's claims wait."""
    region = staged(tmp_path / "first", small_world(plans=[plan(deductible="500.00")]))
    assert run_night(region, run_date=FIRST).status == RunStatus.COMPLETE
    return staged(tmp_path / "second", {"claim_lines": [line("C2", service_date="2024-01-11")]}, region)


def changed_to(text: str) -> None:
    """What the portal writes."""
    Accumulator.objects.using(accumulators.database()).update(fields=text)


def night(run_date: date) -> Night:
    return Night.objects.get(run_date=run_date)


@pytest.mark.slow
def test_nights_alone_are_no_clash(region: Region) -> None:
    assert list(clashes(night(FIRST))) == []
    run_night(region, run_date=SECOND)
    assert list(clashes(night(SECOND))) == []
    (year,) = ledger(region, "M")
    assert year.proved
    assert [str(each.after.deductible) for each in year.changes] == ["100.00", "200.00"]


def test_a_change_since_the_last_night_is_shown_with_both_figures(region: Region) -> None:
    changed_to('{"deductible_met":2500,"out_of_pocket_met":10000,"visits:OFFICE":1}')
    (found,) = clashes(night(FIRST))
    assert (found.member, found.year, found.now, found.after) == ("M", 2024, True, FIRST)
    assert (str(found.left.deductible), str(found.found.deductible)) == ("100.00", "25.00")
    (year,) = ledger(region, "M")
    assert (year.replayed, year.proved) == (True, False)


@pytest.mark.slow
def test_a_change_between_two_nights_stays_seen_after_the_second(region: Region) -> None:
    changed_to('{"deductible_met":2500,"out_of_pocket_met":10000,"visits:OFFICE":1}')
    run_night(region, run_date=SECOND)
    (found,) = clashes(night(SECOND))
    assert (found.now, found.after) == (False, FIRST)
    assert (str(found.left.deductible), str(found.found.deductible)) == ("100.00", "25.00")
    assert list(clashes(night(FIRST))) == []
    (year,) = ledger(region, "M")
    (clash,) = year.clashes
    assert (clash.after, clash.before) == (FIRST, SECOND)
    assert (str(clash.left.deductible), str(clash.found.deductible)) == ("100.00", "25.00")
    assert [str(each.after.deductible) for each in year.changes] == ["100.00", "125.00"]
    assert year.replayed


@pytest.mark.slow
def test_a_year_that_was_taken_away_is_a_clash(region: Region) -> None:
    Accumulator.objects.using(accumulators.database()).all().delete()
    run_night(region, run_date=SECOND)
    (found,) = clashes(night(SECOND))
    assert (str(found.left.deductible), str(found.found.deductible)) == ("100.00", "0.00")


@pytest.mark.slow
def test_the_same_values_spelled_otherwise_are_none(region: Region) -> None:
    changed_to('{"visits:OFFICE": 1, "visits:LAB": 0, "out_of_pocket_met": 10000, "deductible_met": 10000}')
    assert list(clashes(night(FIRST))) == []
    run_night(region, run_date=SECOND)
    assert list(clashes(night(SECOND))) == []


@pytest.mark.slow
def test_another_regions_member_of_the_same_id_is_none(region: Region, tmp_path: Path) -> None:
    other = staged(tmp_path / "other", small_world())
    run_night(other, run_date=SECOND)
    assert list(clashes(Night.objects.get(region=other))) == []


def test_what_an_undo_puts_back_is_written_down(region: Region) -> None:
    """S2-17"""
    from backoffice.runs.control import undo_run
    from backoffice.runs.models import Run

    undo_run(Run.objects.get(chain=night(FIRST).chain))
    restored = Restoration.objects.get(night=night(FIRST))
    assert (restored.partition, restored.checkpoint, restored.images, restored.members) == (0, 0, 1, 1)
    assert restored.seconds > 0
