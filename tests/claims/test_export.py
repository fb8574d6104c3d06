"""What export_pipeline writes is of its night alone, and lies within the folder that was named."""

from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from backoffice.runs.control import undo_run
from backoffice.runs.models import RunStatus
from claims.clashes import clashes
from claims.ledger import ledger
from claims.models import Remittance
from claims.pipeline import files
from claims.pipeline.export import dollars
from regions.models import Region
from tests.claims.folders import (
    RUN_DATE,
    accumulators_of,
    coverage,
    line,
    night_of,
    plan,
    provider,
    run_night,
    small_world,
    staged,
)

pytestmark = pytest.mark.django_db(transaction=True)

NEXT, AFTER = date(2024, 1, 16), date(2024, 1, 17)


def export(region: Region, folder: Path, run_date: date = RUN_DATE) -> list[str]:
    call_command("export_pipeline", region=region.name, run_date=run_date.isoformat(), output=folder)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("npi", ["../../evil", "/evil", "a/b", "..", "C:\\evil", "\N{SLICE OF PIZZA}" * 20])
def test_a_providers_number_becomes_no_path(tmp_path: Path, npi: str) -> None:
    """S2-43; and what is written, of patients, was open to every user of the machine (0644)."""
    tables = small_world(providers=[provider(npi)], claim_lines=[line(provider_npi=npi)])
    region = staged(tmp_path / "in", tables)
    run_night(region)
    out = tmp_path / "deep" / "out"
    (found,) = [name for name in export(region, out) if name.startswith("remittances/")]
    assert (out / found).read_text(encoding="utf-8").splitlines()[1].startswith("C1,1,500.00,80.00")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
    assert {oct(path.stat().st_mode & 0o777) for path in (out, *out.rglob("*"))} == {"0o600", "0o700"}


@pytest.mark.parametrize(
    ("cents", "text"), [(-10050, "-100.50"), (-1, "-0.01"), (-100, "-1.00"), (0, "0.00"), (10050, "100.50")]
)
def test_an_amount_below_zero_has_its_sign_before_it(cents: int, text: str) -> None:
    assert dollars(cents) == text


@pytest.mark.slow
def test_another_nights_remittances_are_not_mixed_with_this_ones(tmp_path: Path) -> None:
    """S2-23, S2-43: who pays what lies in the folder would pay a provider of the night before once more."""
    region = staged(tmp_path / "in", small_world())
    run_night(region)
    first = export(region, tmp_path / "out")
    assert export(region, tmp_path / "out") == first
    more = {"providers": [provider("Q")], "claim_lines": [line("C2", provider_npi="Q")]}
    staged(tmp_path / "next", more, region)
    run_night(region, run_date=NEXT)
    before = (tmp_path / "out" / "adjudicated.csv").read_bytes()
    with pytest.raises(
        CommandError, match=r"holds 1 remittance of another night, such as P\.csv\. Name a new one"
    ) as refused:
        export(region, tmp_path / "out", NEXT)
    assert refused.value.returncode == 2
    assert (tmp_path / "out" / "adjudicated.csv").read_bytes() == before
    assert "remittances/Q.csv" in export(region, tmp_path / "new", NEXT)
    assert Remittance.objects.filter(night__region=region).count() == 2


@pytest.mark.slow
def test_a_nights_accumulators_are_its_own_also_when_later_nights_have_changed_them(tmp_path: Path) -> None:
    """S2-19, S2-30"""
    region = staged(tmp_path / "in", small_world())
    first = run_night(region)
    closing = accumulators_of(first)
    assert closing
    for number, run_date in enumerate((NEXT, AFTER), 2):
        lines = [line(f"C{number}"), line(f"D{number}", member_id="N"), line(f"E{number}", service_date="2023-12-30")]
        more = {"claim_lines": lines, "member_benefits": [coverage(), coverage(member_id="N")]}
        staged(tmp_path / f"next-{number}", more, region)
        last = run_night(region, run_date=run_date)
    assert accumulators_of(last) != closing
    assert accumulators_of(first) == closing


def test_a_night_that_was_begun_before_its_neighbour_and_run_after_it_counts_by_its_date(tmp_path: Path) -> None:
    """S2-19, S2-30: the 17th is begun first, undone, and run again after the 16th."""
    region = staged(tmp_path / "1", small_world(plans=[plan(deductible="1000.00")]))
    first = run_night(region)
    closing = accumulators_of(first)
    staged(tmp_path / "2", {"claim_lines": [line("C2")]}, region)
    undo_run(run_night(region, run_date=AFTER))
    staged(tmp_path / "3", {"claim_lines": [line("C3")]}, region)
    between = run_night(region, run_date=NEXT)
    assert accumulators_of(first) == closing
    held = accumulators_of(between)
    last = run_night(region, run_date=AFTER)
    assert last.status == RunStatus.COMPLETE, last.detail
    assert night_of(last).pk < night_of(between).pk
    assert accumulators_of(first) == closing
    assert accumulators_of(between) == held
    (year,) = ledger(region, "M")
    assert year.proved
    assert [change.claim_id for change in year.changes] == ["C1", "C3", "C2"]
    assert [list(clashes(night_of(run))) for run in (first, between, last)] == [[], [], []]


def test_an_output_that_is_lost_ends_the_export_with_one_line_and_no_half_file(tmp_path: Path) -> None:
    """S2-25, S2-28"""
    region = staged(tmp_path / "in", small_world())
    night = night_of(run_night(region))
    (row,) = files.of_output(night, "remittance")
    files.storage().delete(row.name)
    with pytest.raises(CommandError, match=r"remittance: 1 records expected in .* it cannot be read") as refused:
        export(region, tmp_path / "out")
    assert refused.value.returncode == 1
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out" / "digests.csv").exists()
    assert (tmp_path / "out" / "adjudicated.csv").read_text(encoding="utf-8").count("\n") == 2
