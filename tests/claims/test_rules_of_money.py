"""Price, shares and remittance: each rule at its edge, by an example that can be checked by hand."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backoffice.runs.models import RunStatus
from claims.pipeline import export
from tests.claims.folders import (
    accumulators_of,
    adjudicated_of,
    benefit,
    coverage,
    line,
    night_of,
    only,
    outputs_of,
    plan,
    provider,
    row,
    run_night,
    shares,
    small_world,
    staged,
    terms,
)

pytestmark = pytest.mark.django_db(transaction=True)

Tables = dict[str, list[dict[str, str]]]


def opening(member: str, **values: str) -> list[dict[str, str]]:
    return [
        row("accumulators", member_id=member, benefit_year="2024", field_name=name.replace("__", ":"), value=value)
        for name, value in values.items()
    ]


PRICES = [
    # fee, multiplier, percent of charge, units, billed: method, allowed
    ("100.00", "100", "50", "3", "500.00", "FEE_SCHEDULE", "300.00"),
    ("0.01", "50", "50", "1", "500.00", "FEE_SCHEDULE", "0.01"),
    ("0.01", "49", "50", "1", "500.00", "FEE_SCHEDULE", "0.00"),
    ("0.01", "87.5", "50", "100", "500.00", "FEE_SCHEDULE", "0.88"),
    ("0.33", "33.33", "50", "3", "500.00", "FEE_SCHEDULE", "0.33"),
    ("0.00", "100", "50", "1", "500.00", "FEE_SCHEDULE", "0.00"),
    ("100.00", "100", "50", "1", "100.00", "FEE_SCHEDULE", "100.00"),
    ("100.01", "100", "50", "1", "100.00", "BILLED", "100.00"),
    ("", "100", "50", "9", "0.01", "PERCENT_OF_CHARGE", "0.01"),
    ("", "100", "33.33", "9", "100.01", "PERCENT_OF_CHARGE", "33.33"),
    ("", "100", "120", "1", "100.00", "BILLED", "100.00"),
    ("", "100", "0", "1", "100.00", "PERCENT_OF_CHARGE", "0.00"),
    ("50000.00", "100", "50", "999999999", "100.00", "BILLED", "100.00"),
    ("9000000000000.00", "999.99", "50", "999999999", "100.00", "BILLED", "100.00"),
    ("", "100", "999.99", "1", "999999999999.99", "BILLED", "999999999999.99"),
]


def test_the_contracts_price_is_rounded_once_half_up_and_never_above_what_was_billed(night: Any) -> None:
    """S2-04"""
    fees, contracts, providers, lines = [], [], [], []
    for n, (fee, multiplier, charge, units, billed, _, _) in enumerate(PRICES):
        name = f"{n:02}"
        fees.append(row("fee_schedule", fee_schedule_id=name, procedure_code="X" if fee else "Y", fee=fee or "1.00"))
        contracts.append(
            terms(contract_id=name, fee_schedule_id=name, multiplier_percent=multiplier, percent_of_charge=charge)
        )
        providers.append(provider(name, contract_id=name))
        lines.append(line(name, provider_npi=name, units=units, billed=billed))
    run = night(fee_schedule=fees, contract_terms=contracts, providers=providers, claim_lines=lines)
    found = [(found["pricing_method"], found["allowed"]) for found in adjudicated_of(run).values()]
    assert found == [(method, allowed) for *_, method, allowed in PRICES]


def test_a_contract_without_terms_fails_the_step_and_says_which_until_they_are_there(tmp_path: Path) -> None:
    """S2-28"""
    run = run_night(staged(tmp_path, small_world(contract_terms=[terms(contract_id="OTHER")])))
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert "Contract K " in run.detail


def test_lines_that_are_denied_need_no_terms(night: Any) -> None:
    """S2-04"""
    run = night(contract_terms=[terms(contract_id="OTHER")], member_benefits=[coverage(member_id="N")])
    assert only(run)["denial_code"] == "31"


SHARED: list[tuple[dict[str, str], dict[str, str], dict[str, str], str]] = [
    # 100.00 is allowed: plan, benefit and opening values: copay, deductible, coinsurance, paid
    ({}, {"copay": "25.00"}, {}, "25.00 0.00 15.00 60.00"),
    ({}, {"copay": "125.00"}, {}, "100.00 0.00 0.00 0.00"),
    ({"deductible": "60.00"}, {"copay": "25.00"}, {}, "25.00 60.00 3.00 12.00"),
    ({"deductible": "60.00"}, {}, {"deductible_met": "50.00"}, "0.00 10.00 18.00 72.00"),
    ({"deductible": "60.00"}, {}, {"deductible_met": "70.00"}, "0.00 0.00 20.00 80.00"),
    ({"deductible": "60.00"}, {"copay": "25.00", "copay_only": "true"}, {}, "25.00 0.00 0.00 75.00"),
    ({"coinsurance_percent": "0.01"}, {}, {}, "0.00 0.00 0.01 99.99"),
    ({"coinsurance_percent": "33.33", "deductible": "50.00"}, {}, {}, "0.00 50.00 16.67 33.33"),
    ({"deductible": "60.00", "out_of_pocket_max": "90.00"}, {"copay": "25.00"}, {}, "25.00 60.00 3.00 12.00"),
    ({"deductible": "60.00", "out_of_pocket_max": "86.00"}, {"copay": "25.00"}, {}, "25.00 60.00 1.00 14.00"),
    ({"deductible": "60.00", "out_of_pocket_max": "70.00"}, {"copay": "25.00"}, {}, "25.00 45.00 0.00 30.00"),
    ({"deductible": "60.00", "out_of_pocket_max": "10.00"}, {"copay": "25.00"}, {}, "10.00 0.00 0.00 90.00"),
    ({"out_of_pocket_max": "50.00"}, {"copay": "25.00"}, {"out_of_pocket_met": "40.00"}, "10.00 0.00 0.00 90.00"),
    ({"out_of_pocket_max": "50.00"}, {}, {"out_of_pocket_met": "80.00"}, "0.00 0.00 0.00 100.00"),
]


def test_what_a_member_owes_is_trimmed_by_the_maximum_coinsurance_first_then_deductible_then_copay(night: Any) -> None:
    """S2-05, S2-42"""
    plans, benefits, coverages, lines, met = [], [], [], [], []
    for n, (of_plan, of_benefit, before, _) in enumerate(SHARED):
        name = f"{n:02}"
        plans.append(plan(plan_id=name, **of_plan))
        benefits.append(benefit(plan_id=name, **of_benefit))
        coverages.append(coverage(member_id=name, plan_id=name))
        lines.append(line(name, member_id=name))
        met += opening(name, **before)
    run = night(plans=plans, plan_benefits=benefits, member_benefits=coverages, claim_lines=lines, accumulators=met)
    assert [" ".join(shares(found)[1:]) for found in adjudicated_of(run).values()] == [right for *_, right in SHARED]


def test_half_a_cent_of_coinsurance_is_a_cent(night: Any) -> None:
    """S2-05"""
    lines = [line(f"C{n}", billed=billed) for n, billed in enumerate(("0.01", "0.02", "0.05", "0.06"))]
    run = night(plans=[plan(coinsurance_percent="25")], claim_lines=lines)
    assert [found["coinsurance"] for found in adjudicated_of(run).values()] == ["0.00", "0.01", "0.01", "0.02"]


def test_visits_count_paid_lines_whatever_their_units_and_deny_from_the_limit_on(night: Any) -> None:
    """S2-05, S2-19"""
    lines = [line(f"C{n}", service_date=f"2024-01-0{n}", units=str(n)) for n in (1, 2, 3)]
    run = night(
        plan_benefits=[benefit(visit_limit="3")], accumulators=opening("M", visits__OFFICE="1"), claim_lines=lines
    )
    found = adjudicated_of(run)
    assert [row["denial_code"] for row in found.values()] == ["", "", "119"]
    last = found["C3", 1]
    assert (last["pricing_method"], shares(last)) == ("FEE_SCHEDULE", ("0.00",) * 5)
    assert accumulators_of(run) == {("M", 2024, "visits:OFFICE"): "3", ("M", 2024, "out_of_pocket_met"): "60.00"}


def test_accumulators_are_a_calendar_years_and_count_visits_of_categories_without_a_limit(night: Any) -> None:
    """S2-19"""
    lines = [line("C1", service_date="2023-12-31"), line("C2", service_date="2024-01-01"), line("C3", billed="80.00")]
    run = night(plans=[plan(deductible="70.00")], claim_lines=lines)
    assert accumulators_of(run) == {
        ("M", 2023, "deductible_met"): "70.00", ("M", 2023, "out_of_pocket_met"): "76.00",
        ("M", 2023, "visits:OFFICE"): "1", ("M", 2024, "deductible_met"): "70.00",
        ("M", 2024, "out_of_pocket_met"): "92.00", ("M", 2024, "visits:OFFICE"): "2",
    }  # fmt: skip


def test_a_members_lines_are_taken_by_date_then_claim_then_line_as_a_number(night: Any) -> None:
    """S2-27, X-13"""
    lines = [
        line("C1", 1, service_date="2024-01-09"), line("C1", 10), line("C1", 2), line("C0", 1, units="2"),
        line("C2", 1, service_date="2024-01-08"),
    ]  # fmt: skip
    run = night(plan_benefits=[benefit(visit_limit="4")], claim_lines=lines)
    assert [key for key, found in adjudicated_of(run).items() if found["denial_code"]] == [("C1", 10)]


def test_the_next_night_begins_with_the_accumulators_that_the_last_one_left(night: Any, tmp_path: Path) -> None:
    """S2-19, S2-30"""
    first = night(plans=[plan(deductible="150.00")])
    region = night_of(first).region
    staged(tmp_path / "next", {"claim_lines": [line("C2", service_date="2024-01-11")]}, region)
    second = run_night(region, run_date=date(2024, 1, 16))
    assert [only(run)["deductible"] for run in (first, second)] == ["100.00", "50.00"]


def test_a_plan_that_is_missing_fails_the_step_and_is_named(tmp_path: Path) -> None:
    """S2-28"""
    run = run_night(staged(tmp_path, small_world(plans=[plan(plan_id="OTHER")])))
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert "Plan L " in run.detail


@pytest.mark.parametrize(
    ("tables", "group", "code"),
    [
        ({"member_benefits": [coverage("2024-01-11")]}, "PR", 26),
        ({"member_benefits": [coverage(last="2024-01-09")]}, "PR", 27),
        ({"member_benefits": [coverage(member_id="N")]}, "PR", 31),
        ({"plan_benefits": [benefit(covered="false")]}, "PR", 96),
        ({"plan_benefits": [benefit(visit_limit="0")]}, "PR", 119),
        ({"procedure_codes": []}, "CO", 181),
    ],
)
def test_a_denial_adjusts_the_whole_billed_amount_in_its_group(
    night: Any, tables: Tables, group: str, code: int
) -> None:
    """S2-06"""
    ((_, rows),) = export.advices(night_of(night(**tables)))
    assert rows == [("C1", 1, "500.00", "0.00", group, code, "500.00")]


def test_adjustments_explain_what_was_billed_and_not_paid_and_none_is_zero(night: Any) -> None:
    """S2-06"""
    run = night(
        plans=[plan(deductible="60.00")],
        plan_benefits=[benefit(copay="25.00")],
        claim_lines=[line(), line("C2", service_date="2024-01-11", billed="100.00")],
    )
    ((_, rows),) = export.advices(night_of(run))
    assert [found[4:] for found in rows if found[0] == "C1"] == [
        ("CO", 45, "400.00"), ("PR", 1, "60.00"), ("PR", 2, "3.00"), ("PR", 3, "25.00"),
    ]  # fmt: skip
    assert [found[4:] for found in rows if found[0] == "C2"] == [("PR", 2, "15.00"), ("PR", 3, "25.00")]


def test_a_line_that_is_paid_as_billed_is_told_without_an_adjustment(night: Any) -> None:
    """S2-06"""
    run = night(plans=[plan(coinsurance_percent="0")], claim_lines=[line(billed="100.00")])
    ((_, rows),) = export.advices(night_of(run))
    assert rows == [("C1", 1, "100.00", "100.00", "", "", "")]


def test_each_provider_has_one_header_and_the_header_of_all_is_what_was_adjudicated(night: Any, tmp_path: Path) -> None:
    """S2-06, S2-23, S2-43: a claim that two providers share is one claim."""
    run = night(
        providers=[provider("P"), provider("Q")],
        claim_lines=[line("C1", 1), line("C1", 2, units="2"), line("C1", 3, provider_npi="Q"), line("C2", units="3")],
    )
    assert list(export.headers(night_of(run))) == [("P", 2, 3, "1500.00", "480.00"), ("Q", 1, 1, "500.00", "80.00")]
    export.export(night_of(run), tmp_path / "out")
    assert (tmp_path / "out" / "remittances.csv").read_text().splitlines() == [
        "provider_npi,claims,lines,billed,paid", "ALL,2,4,2000.00,560.00", "P,2,3,1500.00,480.00", "Q,1,1,500.00,80.00",
    ]  # fmt: skip
    adjudicated = outputs_of(run)["adjudicate"]["adjudicated"]
    assert (adjudicated["count"], adjudicated["billed"], adjudicated["cents"]) == (4, 200_000, 56_000)
