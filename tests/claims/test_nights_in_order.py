"""Nights follow each other, and only the latest can be taken back."""

from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from backoffice.runs.faults import Misuse
from backoffice.runs.models import RunStatus
from claims.models import StagedBatch
from claims.pipeline import accumulators
from regions.models import Region
from tests.claims.folders import RUN_DATE, adjudicated_of, line, run_night, small_world, staged, terms

pytestmark = pytest.mark.django_db(transaction=True)

NEXT = date(2024, 1, 16)


def standing(region: Region) -> dict[accumulators.Key, str]:
    return accumulators.stored(region.pk, ["M"])


def undo(region: Region, run_date: date) -> None:
    call_command("undo_pipeline", region=region.name, run_date=run_date.isoformat())


def test_only_the_latest_night_is_undone_and_then_the_one_before_it(tmp_path: Path) -> None:
    """S2-18, S2-19"""
    region = staged(tmp_path, small_world())
    run_night(region)
    after_first = standing(region)
    staged(tmp_path / "next", {"claim_lines": [line("C2")]}, region)
    second = run_night(region, run_date=NEXT)
    assert standing(region) != after_first
    with pytest.raises(CommandError, match="only the latest can be undone") as refused:
        undo(region, RUN_DATE)
    assert refused.value.returncode == 2
    undo(region, NEXT)
    assert standing(region) == after_first
    assert adjudicated_of(second) == {}
    with pytest.raises(Misuse, match="is not complete"):
        run_night(region, run_date=date(2024, 1, 17))


def test_a_line_belongs_to_the_first_night_that_extracts_it_also_when_that_is_run_again(tmp_path: Path) -> None:
    """S2-01, S2-22: what is staged later waits for the next night."""
    region = staged(tmp_path, small_world())
    run_night(region)
    staged(tmp_path / "next", {"claim_lines": [line("C2")]}, region)
    assert list(StagedBatch.objects.order_by("id").values_list("run_date", flat=True)) == [RUN_DATE, None]
    undo(region, RUN_DATE)
    assert list(adjudicated_of(run_night(region))) == [("C1", 1)]
    assert list(adjudicated_of(run_night(region, run_date=NEXT))) == [("C2", 1)]
    assert list(StagedBatch.objects.order_by("id").values_list("run_date", flat=True)) == [RUN_DATE, NEXT]


def test_the_next_night_waits_until_the_one_before_is_complete(tmp_path: Path) -> None:
    """S2-12: it begins with the accumulators that the one before has left."""
    region = staged(tmp_path, small_world(contract_terms=[]))
    assert run_night(region).status == RunStatus.FAILED
    staged(tmp_path / "next", {"claim_lines": [line("C2")], "contract_terms": [terms()]}, region)
    with pytest.raises(Misuse, match=r"The night of 2024-01-15 is not complete\. Finish it, or undo it"):
        run_night(region, run_date=NEXT)
    assert run_night(region).status == RunStatus.COMPLETE
    assert run_night(region, run_date=NEXT).status == RunStatus.COMPLETE
