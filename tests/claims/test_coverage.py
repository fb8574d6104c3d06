"""Members' coverage is read by pieces: any block of lines finds its members' rows, and no others matter."""

from datetime import date
from pathlib import Path

import pytest

from claims.models import MemberBenefit
from claims.pipeline import coverage, frames
from regions.models import Region
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db(transaction=True)
BEGAN, ENDED = date(2020, 1, 1), date(2023, 12, 31)


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> Region:
    """Seven members, one with two spans and none with the other region's; two rows make a piece."""
    monkeypatch.setattr(frames, "BLOCK", 2)
    north, south = RegionFactory.create(name="north"), RegionFactory.create(name="south")
    for member in ("b", "B", "a", "M1", "M10", "M2", "é"):
        MemberBenefit.objects.create(region=north, member_id=member, plan_id="P", coverage_from=BEGAN)
    MemberBenefit.objects.create(
        region=north, member_id="M10", plan_id="Q", coverage_from=date(2019, 1, 1), coverage_to=ENDED
    )
    MemberBenefit.objects.create(region=south, member_id="M1", plan_id="S", coverage_from=BEGAN)
    return north


def test_rows_come_by_member_byte_by_byte_and_by_beginning_whatever_the_database_s_language(region: Region) -> None:
    with coverage.spooled(region) as found:
        rows = found.between("", "\U0010ffff").rows()
    assert [(member, plan) for member, plan, *_ in rows] == [
        ("B", "P"), ("M1", "P"), ("M10", "Q"), ("M10", "P"), ("M2", "P"), ("a", "P"), ("b", "P"), ("é", "P"),
    ]  # fmt: skip
    assert rows[2][2:] == (date(2019, 1, 1), ENDED)
    assert rows[1][2:] == (BEGAN, None)


@pytest.mark.parametrize("asked", [("B", "B"), ("M1", "M10"), ("M10", "M10"), ("M10", "b"), ("zz", "zz"), ("é", "é")])
def test_each_range_of_members_has_all_of_its_rows(region: Region, asked: tuple[str, str]) -> None:
    first, last = asked
    with coverage.spooled(region) as found:
        assert len(found.pieces) == 4
        whole = found.between("", "\U0010ffff")
        wanted = [row for row in whole.rows() if first <= row[0] <= last]
        for _ in range(2):  # from the file, and from what is held
            assert [row for row in found.between(first, last).rows() if first <= row[0] <= last] == wanted
        assert sum(frame.height for frame in found.held.values()) < whole.height


def test_its_edition_says_which_rows_they_are_in_whatever_pieces(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    with coverage.spooled(region) as found:
        before = found.edition
    monkeypatch.setattr(frames, "BLOCK", 50_000)
    with coverage.spooled(region) as found:
        assert (found.edition, len(found.pieces)) == (before, 1)
    MemberBenefit.objects.filter(region=region, member_id="a").update(coverage_to=ENDED)
    with coverage.spooled(region) as found:
        assert found.edition != before


def test_a_region_without_any_has_no_rows_and_an_edition(region: Region) -> None:
    MemberBenefit.objects.all().delete()
    with coverage.spooled(region) as found:
        assert found.between("A", "Z").height == 0
        assert found.edition == "0:0"


def test_nothing_of_it_is_left_on_the_disk(region: Region, settings: object) -> None:
    home = Path(settings.NIGHTWARD_HOME)  # type: ignore[attr-defined]
    before = {path.name for path in home.iterdir()}
    with coverage.spooled(region):
        assert {path.name for path in home.iterdir()} == before
