"""A folder is loaded whole or not at all, and what is wrong with it is said by file and line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.apps import apps
from django.core.management import CommandError, call_command

from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run, RunStatus
from claims.models import Accumulator, MemberBenefit, StagedBatch, StagedLine
from claims.pipeline.load import FolderRefused, load
from regions.models import Region
from tests.claims.folders import (
    COLUMNS,
    LONG_AGO,
    benefit,
    coverage,
    line,
    new_region,
    payer,
    plan,
    provider,
    row,
    run_night,
    small_world,
    staged,
    stopped_in,
    terms,
    write_folder,
)
from tests.running import go_on

pytestmark = pytest.mark.django_db(transaction=True)

Tables = dict[str, list[dict[str, str]]]
HEADER = ",".join(COLUMNS["claim_lines"]).encode() + b"\n"


def stored() -> dict[str, list[Any]]:
    """Every row of claims, by table."""
    return {
        model.__name__: list(model._default_manager.values().order_by("pk"))
        for model in apps.get_app_config("claims").get_models()
    }


@pytest.fixture
def region() -> Region:
    return new_region()


@pytest.fixture
def refused(tmp_path: Path, region: Region) -> Callable[..., list[str]]:
    """What is said of the folder, which changes nothing."""

    def problems(**tables: list[dict[str, str]]) -> list[str]:
        write_folder(tmp_path, small_world(**tables))
        before = stored()
        with pytest.raises(FolderRefused) as error:
            load(tmp_path, region)
        assert stored() == before
        return str(error.value).splitlines()

    return problems


def opening(**values: str) -> dict[str, str]:
    usual = {"member_id": "M", "benefit_year": "2024", "field_name": "deductible_met", "value": "1.00"}
    return row("accumulators", **{**usual, **values})


def test_a_folder_is_staged_for_the_next_night_and_its_tables_replace_the_regions(
    tmp_path: Path, region: Region
) -> None:
    """S2-01"""
    staged(tmp_path, small_world(accumulators=[opening()]), region)
    more = staged(tmp_path, {"member_benefits": [coverage(member_id="N")], "claim_lines": [line("C2")]}, region)
    assert list(StagedBatch.objects.filter(region=more).values_list("lines", "run_date")) == [(1, None), (1, None)]
    assert list(MemberBenefit.objects.values_list("member_id", flat=True)) == ["N"]
    assert Accumulator.objects.get().fields == '{"deductible_met":100}'


def test_another_regions_tables_are_left_alone(tmp_path: Path, region: Region) -> None:
    staged(tmp_path, small_world())
    staged(tmp_path, small_world(member_benefits=[coverage(member_id="N")]), region)
    assert set(MemberBenefit.objects.values_list("member_id", flat=True)) == {"M", "N"}


@pytest.mark.parametrize(
    ("tables", "where", "what"),
    [
        ({"providers": [provider("P"), provider("Q", active_from="soon")]}, "providers.csv line 3", "active_from"),
        ({"providers": [provider("P", active_from="20240101")]}, "providers.csv line 2", "is not a day"),
        ({"providers": [provider("1" * 21)]}, "providers.csv line 2", "npi"),
        ({"plans": [plan(deductible="-1")]}, "plans.csv line 2", "deductible is no amount"),
        ({"plans": [plan(deductible="1.001")]}, "plans.csv line 2", "deductible is no amount"),
        ({"plans": [plan(deductible="NaN")]}, "plans.csv line 2", "deductible"),
        ({"plans": [plan(deductible="1e400")]}, "plans.csv line 2", "deductible"),
        ({"plans": [plan(coinsurance_percent="100.01")]}, "plans.csv line 2", "coinsurance_percent"),
        ({"contract_terms": [terms(percent_of_charge="1000")]}, "contract_terms.csv line 2", "percent_of_charge"),
        ({"plan_benefits": [benefit(covered="yes")]}, "plan_benefits.csv line 2", "covered is neither true nor false"),
        ({"plan_benefits": [benefit(visit_limit="-1")]}, "plan_benefits.csv line 2", "visit_limit is no whole number"),
        ({"plan_benefits": [benefit(category="C" * 21)]}, "plan_benefits.csv line 2", "category"),
        ({"plan_benefits": [benefit(), benefit()]}, "plan_benefits.csv line 3", "has the key of line 2: L, OFFICE"),
        ({"member_benefits": [coverage(member_id="")]}, "member_benefits.csv line 2", "member_id is empty"),
        ({"claim_lines": [line(), line("")]}, "claim_lines.csv line 3", "claim_id is empty"),
        ({"claim_lines": [line(line_number="0")]}, "claim_lines.csv line 2", "line_number is no whole number"),
        ({"claim_lines": [line(line_number="\u0661")]}, "claim_lines.csv line 2", "line_number is no whole number"),
        ({"claim_lines": [line(line_number="2147483648")]}, "claim_lines.csv line 2", "line_number is no whole number"),
        ({"claim_lines": [line(billed="1" * 21)]}, "claim_lines.csv line 2", "billed is longer than 20"),
        ({"claim_lines": [line(), line(line_number="01")]}, "claim_lines.csv line 3", "has the key of line 2: C1, 1"),
        ({"claim_lines": [line(units="1\x00")]}, "claim_lines.csv line 2", "holds a NUL"),
        ({"accumulators": [opening(), opening()]}, "accumulators.csv line 3", "has the key of"),
        ({"accumulators": [opening(value="x")]}, "accumulators.csv line 2", "cannot be read"),
        ({"accumulators": [opening(benefit_year="99999")]}, "accumulators.csv line 2", "year"),
        ({"accumulators": [opening(field_name="visits:")]}, "accumulators.csv line 2", "is no deductible_met"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_by_file_and_line(
    refused: Callable[..., list[str]], tables: Tables, where: str, what: str
) -> None:
    """S2-28"""
    (problem,) = refused(**tables)
    assert problem.startswith(f"{where}: ")
    assert what in problem


@pytest.mark.parametrize(
    ("odd", "column"),
    [
        (line("CLM:2024-001"), "claim_id"),
        (line("C" * 39), "claim_id"),
        (line("C2 "), "claim_id"),
        (line("C\n2"), "claim_id"),
        (line("C2", member_id="M*1"), "member_id"),
        (line("C2", member_id="Ñ"), "member_id"),
        (line("C2", provider_npi="P~"), "provider_npi"),
        (line("C2", procedure_code="X:25"), "procedure_code"),
    ],
)
def test_what_no_835_could_give_back_is_refused_where_every_claim_gets_one(
    refused: Callable[..., list[str]], odd: dict[str, str], column: str
) -> None:
    """The night would fail on it at its last step."""
    lines = [line("C1", member_id="", procedure_code=""), odd]
    (problem,) = refused(claim_lines=lines, remittance_payers=[payer(for_all="true")])
    assert problem.startswith("claim_lines.csv line ")
    assert f": {column} cannot be given back in an 835" in problem
    for member in ("M*1", "Ñ"):
        assert member not in problem


def test_what_no_835_could_give_back_is_loaded_where_none_is_written_for_it(tmp_path: Path, region: Region) -> None:
    staged(tmp_path, small_world(claim_lines=[line("CLM:2024-001", member_id="M*1")]), region)
    assert StagedLine.objects.get().claim_id == "CLM:2024-001"


def test_a_member_whose_column_is_another_is_not_said(refused: Callable[..., list[str]]) -> None:
    """[S4-09] Cron mails what is said."""
    shifted = {"claim_lines": [line(line_number="Okonkwo")], "accumulators": [opening(field_name="Okonkwo", value="x")]}
    problems = refused(**shifted, member_benefits=[coverage("Okonkwo")])
    assert len(problems) == 3
    assert "Okonkwo" not in "".join(problems)


def test_all_that_is_wrong_is_listed_at_once_up_to_fifty(refused: Callable[..., list[str]]) -> None:
    problems = refused(providers=[provider("P", active_to="x")], claim_lines=[line("", n) for n in range(1, 61)])
    assert problems[0].startswith("providers.csv line 2: active_to")
    assert (len(problems), problems[-1]) == (51, "and 11 more")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"claim_id,line_number\nC1,1\n", "claim_lines.csv line 1: lacks member_id, provider_npi"),
        (b"", "claim_lines.csv line 1: lacks claim_id"),
        (HEADER + b"C1,1\n", "claim_lines.csv line 2: has 2 fields, not 9"),
        (HEADER + b"M\xfcller,1,,,,,,,\n", "claim_lines.csv: is not text in UTF-8"),
        (HEADER + b'"C1"x,1,,,,,,,\n', "claim_lines.csv line 2: is no CSV"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_of_claims_is_refused(
    tmp_path: Path, region: Region, content: bytes, said: str
) -> None:
    write_folder(tmp_path, small_world())
    (tmp_path / "claim_lines.csv").write_bytes(content)
    before = stored()
    with pytest.raises(FolderRefused) as error:
        load(tmp_path, region)
    assert str(error.value).startswith(said)
    assert stored() == before


def test_a_folder_without_a_file_of_claims_is_refused(tmp_path: Path, region: Region) -> None:
    with pytest.raises(FolderRefused, match=r"there is no claim_lines\.csv in it, nor a reference table"):
        load(tmp_path / "nowhere", region)


@pytest.mark.parametrize("with_header", [True, False])
def test_reference_tables_alone_are_loaded_and_nothing_waits_for_a_night(
    tmp_path: Path, region: Region, with_header: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = {"contract_terms": [terms()], "accumulators": [opening()]}
    write_folder(tmp_path, {**tables, "claim_lines": []} if with_header else tables)
    call_command("load_claims", tmp_path, region=region.name, verbosity=2)
    assert capsys.readouterr().out.splitlines() == [
        "contract_terms.csv: 1 row",
        "accumulators.csv: 1 row",
        "No claim lines: nothing more waits for the next night.",
    ]
    assert not StagedBatch.objects.exists()
    assert Accumulator.objects.count() == 1
    with pytest.raises(Misuse, match=f"No claims are staged for {region.name}"):
        run_night(region)


def test_what_was_loaded_is_said_and_stands_in_the_audit_log(
    tmp_path: Path, region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, small_world(claim_lines=[line(), line("C2")]))
    call_command("load_claims", tmp_path, region=region.name, verbosity=2)
    batch = StagedBatch.objects.get()
    *tables, last = capsys.readouterr().out.splitlines()
    assert last == f"claim_lines.csv: 2 lines, batch {batch.pk} for the next night of {region.name}"
    assert tables[0] == "providers.csv: 1 row"
    entries = {entry.content_type.model: entry.changes_dict for entry in LogEntry.objects.exclude(action=0)}
    assert entries["stagedbatch"] == {"lines": ["0", "2"]}
    assert entries["region"]["providers.csv"] == ["", "1 row"]


def test_whose_coverage_cannot_be_read_stays_unsaid(refused: Callable[..., list[str]]) -> None:
    twice, wrong = [coverage(member_id="M7")] * 2, coverage("soon", member_id="M8")
    problems = refused(member_benefits=[*twice, wrong])
    assert problems == [
        "member_benefits.csv line 4: coverage_from is not what it should be",
        f"member_benefits.csv line 3: has the key of line 2: {LONG_AGO}",
    ]


def test_a_folder_that_is_loaded_twice_names_fifty_lines_and_counts_the_others(
    tmp_path: Path, region: Region, refused: Callable[..., list[str]]
) -> None:
    lines = [line(f"C{n:03}") for n in range(70)]
    staged(tmp_path, small_world(claim_lines=lines), region)
    problems = refused(claim_lines=lines)
    assert problems[0].startswith("claim_lines.csv: claim C000 line 1 is staged already")
    assert (len(problems), problems[-1]) == (51, "and 20 more")


def test_a_line_that_waits_for_the_next_night_already_is_refused(
    tmp_path: Path, region: Region, refused: Callable[..., list[str]]
) -> None:
    """S2-22"""
    staged(tmp_path, small_world(), region)
    (problem,) = refused(claim_lines=[line("C0"), line()])
    assert problem.startswith("claim_lines.csv: claim C1 line 1 is staged already")
    twice, waits = refused(claim_lines=[line("C0"), line("C0"), line()])
    assert twice == "claim_lines.csv line 3: has the key of line 2: C0, 1"
    assert waits.startswith("claim_lines.csv: claim C1 line 1 is staged already")


def test_a_line_that_was_adjudicated_is_refused_and_one_that_was_rejected_may_come_again(
    tmp_path: Path, region: Region, refused: Callable[..., list[str]]
) -> None:
    """S2-22"""
    staged(tmp_path, small_world(claim_lines=[line(), line("C2", billed="0")]), region)
    run_night(region)
    (problem,) = refused(claim_lines=[line(), line("C2")])
    assert problem == "claim_lines.csv: claim C1 line 1 was adjudicated on 2024-01-15 already"
    staged(tmp_path, {"claim_lines": [line("C2")]}, region)


def test_a_line_of_a_night_that_failed_is_refused_since_that_night_will_still_pay_it(
    tmp_path: Path, region: Region, refused: Callable[..., list[str]]
) -> None:
    """S2-22"""
    staged(tmp_path, small_world(contract_terms=[]), region)
    run = run_night(region)
    assert run.status == RunStatus.FAILED
    (problem,) = refused()
    assert problem == "claim_lines.csv: claim C1 line 1 belongs to the night of 2024-01-15, which is not complete"
    staged(tmp_path, {"contract_terms": [terms()], "claim_lines": []}, region)
    assert go_on(run).status == RunStatus.COMPLETE


def test_nothing_is_loaded_while_a_night_of_the_region_runs(tmp_path: Path, region: Region) -> None:
    """S2-21"""
    write_folder(tmp_path, small_world())
    Run.objects.create(job="run_pipeline", key="x", region=region, status=RunStatus.RUNNING)
    before = stored()
    with pytest.raises(CommandError, match=r"A night of .* is running") as error:
        call_command("load_claims", tmp_path, region=region.name)
    assert error.value.returncode == 2
    assert stored() == before


def test_opening_values_are_taken_where_none_stand_and_must_equal_those_that_do(
    tmp_path: Path, region: Region, refused: Callable[..., list[str]]
) -> None:
    """S2-19"""
    staged(tmp_path, small_world(accumulators=[opening()]), region)
    again = [opening(), opening(benefit_year="2023")]
    staged(tmp_path, {"claim_lines": [line("C2")], "accumulators": again}, region)
    assert Accumulator.objects.count() == 2
    (problem,) = refused(claim_lines=[line("C3")], accumulators=[opening(value="2.00")])
    assert problem.startswith("accumulators.csv: 1 members' years stand otherwise already")


def test_no_opening_value_is_loaded_while_a_night_may_still_put_accumulators_back(
    tmp_path: Path, region: Region
) -> None:
    """S2-19: a restart would put back what stood before, and lose what was loaded since."""
    lines = [line(f"C{n}", member_id=member) for n, member in enumerate("MNOPQR")]
    coverages = [coverage(member_id=member) for member in "MNOPQR"]
    staged(tmp_path, small_world(claim_lines=lines, member_benefits=coverages), region)
    run = stopped_in("adjudicate", region)
    folder = tmp_path / "opening"
    folder.mkdir()
    write_folder(folder, {"accumulators": [opening(benefit_year="2023")]})
    with pytest.raises(Misuse, match=r"has changed accumulators of .* and is not complete"):
        load(folder, region)
    assert go_on(run).status == RunStatus.COMPLETE
    load(folder, region)
    assert Accumulator.objects.filter(benefit_year=2023).exists()


def test_no_opening_value_is_kept_of_a_folder_that_is_refused_for_its_lines(
    refused: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-21: the accumulators may live in another database, whose transaction ends by itself."""
    from claims.pipeline import accumulators

    monkeypatch.setattr(accumulators, "write", lambda *_: pytest.fail("accumulators were written"))
    (problem,) = refused(accumulators=[opening()], claim_lines=[line(), line()])
    assert problem == "claim_lines.csv line 3: has the key of line 2: C1, 1"


def test_the_command_says_once_what_is_wrong_and_leaves_with_status_two(tmp_path: Path, region: Region) -> None:
    write_folder(tmp_path, small_world(claim_lines=[line(), line()]))
    with pytest.raises(CommandError) as error:
        call_command("load_claims", tmp_path, region=region.name)
    assert error.value.returncode == 2
    assert str(error.value) == "claim_lines.csv line 3: has the key of line 2: C1, 1\nNothing was loaded."
    assert not StagedLine.objects.exists()
    with pytest.raises(CommandError, match=r"No region is called 'nowhere'") as error:
        call_command("load_claims", tmp_path, region="nowhere")
    assert error.value.returncode == 2
