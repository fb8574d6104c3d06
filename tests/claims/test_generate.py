"""Generated claims: the same for the same seed, and shaped to meet every rule."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from claims.pipeline.generate import generate

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


@pytest.mark.parametrize("wrong", [{"lines": 0}, {"run_date": "yesterday"}, {"output": Path("/proc/nowhere")}])
def test_wrong_use_is_one_line(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("make_claims", **{"lines": 5, "seed": 1, "output": tmp_path, **wrong})
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
