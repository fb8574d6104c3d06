"""Generated claims: the same for the same seed, and shaped to meet every rule."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from claims.models import AdjudicatedClaim, BeforeImage, StepSetting
from claims.pipeline.generate import generate
from claims.pipeline.load import load
from claims.pipeline.numbers import span
from tests.claims.folders import new_region, night_of, run_night

RUN_DATE = date(2024, 1, 15)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_seed_makes_the_same_folder_and_another_one_another(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        call_command("make_claims", lines=500, seed=seed, output=tmp_path / name)
    assert content(tmp_path / "a") == content(tmp_path / "b") != content(tmp_path / "c")


def test_it_has_as_many_lines_as_were_asked_for_and_members_with_hundreds_of_them(tmp_path: Path) -> None:
    """S2-35"""
    generate(tmp_path, lines=30_000, seed=3, run_date=RUN_DATE)
    with (tmp_path / "claim_lines.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30_000
    assert len({(row["claim_id"], row["line_number"]) for row in rows}) == 30_000
    assert Counter(row["member_id"] for row in rows).most_common(1)[0][1] >= 200


def test_more_providers_than_its_lines_could_need_are_refused(tmp_path: Path) -> None:
    """They would take all room of the machine."""
    with pytest.raises(CommandError, match=r"^--providers is at most 100,000 for 10 lines\.$") as error:
        call_command("make_claims", lines=10, seed=1, providers=100_001, output=tmp_path / "more")
    assert error.value.returncode == 2
    assert not (tmp_path / "more").exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_accumulators_of_a_member_change_at_least_47_times_within_one_checkpoint(tmp_path: Path) -> None:
    """S2-34, S2-35: at step 5's own commit frequency; every paid line changes the visits, and most an amount."""
    generate(tmp_path, lines=30_000, seed=3, run_date=RUN_DATE)
    region = new_region()
    load(tmp_path, region)
    begin, end = span(night_of(run_night(region)).pk)
    assert StepSetting.objects.get(step="adjudicate").commit_frequency == 2_000
    images = [changes_in(image) for image in BeforeImage.objects.filter(pk__gte=begin, pk__lt=end)]
    assert max(updates for updates, _ in images) >= 47
    assert max(of_one_amount for _, of_one_amount in images) >= 30
    assert sum(of_one_amount > 1 for _, of_one_amount in images) > 1_000  # nor is a second change rare


def changes_in(image: BeforeImage) -> tuple[int, int]:
    """How often the member's year was changed between the image's before and after, and how often what was met of the
    out-of-pocket maximum."""
    rows = AdjudicatedClaim.objects.filter(
        seq__gte=image.first, seq__lte=image.last, denial=0, service_date__year=image.benefit_year
    )
    return rows.count(), rows.exclude(copay=0, deductible=0, coinsurance=0).count()


def test_there_are_as_many_providers_as_were_asked_for(tmp_path: Path) -> None:
    call_command("make_claims", lines=100, seed=1, providers=14_000, output=tmp_path)
    with (tmp_path / "providers.csv").open() as file:
        assert len({row["npi"] for row in csv.DictReader(file)}) == 14_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": 0},
        {"providers": 0},
        {"run_date": "yesterday"},
        {"run_date": "0001-01-01"},
        {"output": Path("/proc/nowhere")},
    ],
)
def test_wrong_use_is_one_line(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("make_claims", **{"lines": 5, "seed": 1, "output": tmp_path, **wrong})
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
