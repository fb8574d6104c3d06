"""Which lines are rejected, and which cannot be covered: each rule at its edge."""

from decimal import Decimal
from typing import Any

import pytest

from backoffice.runs.models import Failure, RunStatus
from claims.models import Remittance
from tests.claims.folders import (
    adjudicated_of,
    benefit,
    coverage,
    line,
    night_of,
    only,
    plan,
    provider,
    rejected_of,
    row,
    shares,
)

pytestmark = pytest.mark.django_db(transaction=True)

Tables = dict[str, list[dict[str, str]]]
FAULTS = {
    "R01": {"member_id": ""},
    "R02": {"provider_npi": "P9"},
    "R04": {"service_date": "2024-01-16"},
    "R03": {"service_date": "1999-12-31"},
    "R05": {"billed": "0.00"},
    "R06": {"received_date": "2025-06-01"},
}


def test_the_first_reason_in_the_order_of_the_tests_is_reported(night: Any) -> None:
    """S2-02"""
    reasons = list(FAULTS)
    lines = []
    for position in range(len(reasons)):
        wrong = {name: value for reason in reversed(reasons[position:]) for name, value in FAULTS[reason].items()}
        lines.append(line(f"C{position}", **wrong))
    run = night(claim_lines=lines)
    assert [reason for _, reason in rejected_of(run).values()] == reasons


@pytest.mark.parametrize(("lines", "money"), [(10, Decimal("9999999999999.90")), (11, None)])
def test_what_a_rejected_claim_bills_is_unknown_where_no_column_has_room_for_it(
    night: Any, lines: int, money: Decimal | None
) -> None:
    """Thirteen digits before the point: more would fail the night on PostgreSQL."""
    run = night(claim_lines=[line("C1", n, provider_npi="Q", billed="999999999999.99") for n in range(1, lines + 1)])
    assert run.status == RunStatus.COMPLETE, run.detail
    assert Failure.objects.get().money_at_stake == money


EDGES: list[tuple[dict[str, str], str]] = [
    ({"service_date": "20240110"}, "R04"),
    ({"service_date": "2024-1-10"}, "R04"),
    ({"service_date": "2023-02-29"}, "R04"),
    ({"service_date": "0000-01-10"}, "R04"),
    ({"service_date": "\u0662\u0660\u0662\u0664-\u0660\u0661-\u0661\u0660"}, "R04"),
    ({"service_date": " 2024-01-10"}, "R04"),
    ({"service_date": "2024-01-15"}, ""),
    ({"received_date": "2024-01-09"}, ""),
    ({"received_date": "2025-01-09"}, ""),
    ({"received_date": "2025-01-10"}, "R06"),
    ({"received_date": ""}, "R06"),
    ({"received_date": "0000-01-10"}, "R06"),
    ({"service_date": "2023-01-10", "received_date": "2024-01-10"}, ""),
    ({"service_date": "2023-01-10", "received_date": "2024-01-11"}, "R06"),
    ({"billed": "0.01"}, ""),
    ({"billed": "-0.01"}, "R05"),
    ({"billed": "12,50"}, "R05"),
    ({"billed": "\u0661\u0662"}, "R05"),
    ({"billed": "five\n500.00"}, "R05"),
    ({"units": "0"}, "R05"),
    ({"units": "x"}, "R05"),
    ({"units": "\u0663"}, "R05"),
]


def test_a_line_is_rejected_from_the_day_or_the_cent_on_at_which_its_rule_begins(night: Any) -> None:
    """S2-02"""
    claims = {f"C{n:02}": edge for n, edge in enumerate(EDGES)}
    run = night(claim_lines=[{**line(claim, procedure_code=claim), **wrong} for claim, (wrong, _) in claims.items()])
    right = {claim: (1, reason) for claim, (_, reason) in claims.items() if reason}
    assert rejected_of(run) == right
    assert dict(Failure.objects.filter(run=run).values_list("reference", "reason")) == {
        claim: reason for claim, (_, reason) in right.items()
    }


def test_a_provider_is_active_on_its_first_and_its_last_day(night: Any) -> None:
    """S2-02"""
    span = provider("P", active_from="2024-01-02", active_to="2024-01-04")
    lines = [line(f"C{day}", service_date=f"2024-01-0{day}") for day in range(1, 6)]
    assert rejected_of(night(providers=[span], claim_lines=lines)) == {"C1": (1, "R03"), "C5": (1, "R03")}


def test_a_claim_with_a_faulty_line_is_rejected_whole_for_the_first_by_line_number_as_a_number(night: Any) -> None:
    """S2-02"""
    lines = [
        line("C1", 10, billed="0"), line("C1", 9, provider_npi="P9"), line("C1", 1, units="2"),
        line("C1", 11, member_id="N"), line("C2", units="3"),
    ]  # fmt: skip
    run = night(claim_lines=lines)
    assert rejected_of(run) == {"C1": (9, "R02")}
    assert list(adjudicated_of(run)) == [("C2", 1)]
    assert (run.parts.get(step__name="validate").outcomes, run.status) == ({"rejected": 4}, RunStatus.COMPLETE)


def test_the_duplicate_of_a_line_of_a_lower_claim_is_rejected_even_when_that_claim_is(night: Any) -> None:
    """S2-02"""
    same = {"units": "7"}
    lines = [line("C1", 1, **same), line("C1", 2, billed="x"), line("C2", 1, **same), line("C3", 1, **same)]
    assert rejected_of(night(claim_lines=lines)) == {"C1": (2, "R05"), "C2": (1, "R07"), "C3": (1, "R07")}


def test_equal_lines_of_one_claim_are_no_duplicates_nor_are_lines_that_differ_in_one_thing(night: Any) -> None:
    """S2-02"""
    others = [
        {"member_id": "N"}, {"provider_npi": "Q"}, {"service_date": "2024-01-09"}, {"procedure_code": "Y"},
        {"units": "2"}, {"billed": "500.01"},
    ]  # fmt: skip
    lines = [line("C1", 1), line("C1", 2), *(line(f"C{n}", **other) for n, other in enumerate(others, 2))]
    run = night(claim_lines=lines, providers=[provider("P"), provider("Q")])
    assert rejected_of(run) == {}
    assert len(adjudicated_of(run)) == 8


def test_a_night_whose_lines_are_all_rejected_ends_well_and_pays_nobody(night: Any) -> None:
    """S2-23"""
    run = night(claim_lines=[line(billed="0"), line("C2", member_id="")])
    assert (rejected_of(run), adjudicated_of(run)) == ({"C1": (1, "R05"), "C2": (1, "R01")}, {})
    assert not Remittance.objects.filter(night=night_of(run)).exists()


# Enrich


@pytest.mark.parametrize(
    ("tables", "code"),
    [
        ({"member_benefits": [coverage(member_id="N")]}, "31"),
        ({"member_benefits": [coverage("2024-01-10")]}, ""),
        ({"member_benefits": [coverage("2024-01-11")]}, "26"),
        ({"member_benefits": [coverage(last="2024-01-10")]}, ""),
        ({"member_benefits": [coverage(last="2024-01-09")]}, "27"),
        ({"member_benefits": [coverage(last="2023-12-31"), coverage("2024-01-11")]}, "27"),
        ({"member_benefits": [coverage("2024-01-11", "2024-01-12"), coverage("2024-01-13")]}, "26"),
        ({"member_benefits": [coverage(last="2024-01-09"), coverage("2024-01-10")]}, ""),
        (
            {
                "procedure_codes": [
                    row("procedure_codes", procedure_code="X", category="OFFICE", valid_from="2024-01-11")
                ]
            },
            "181",
        ),
        ({"plan_benefits": [benefit(covered="false")]}, "96"),
        ({"plan_benefits": [benefit(category="LAB")]}, "96"),
        ({"plan_benefits": [benefit(category="LAB")], "procedure_codes": []}, "181"),
        ({"member_benefits": [coverage("2024-01-11")], "procedure_codes": []}, "26"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_covered_is_denied_with_its_code_and_costs_nothing(
    night: Any, tables: Tables, code: str
) -> None:
    """S2-03"""
    found = only(night(**tables))
    assert found["denial_code"] == code
    assert (found["pricing_method"] == "NONE") == bool(code)
    if code:
        assert (found["status"], shares(found)) == ("DENIED", ("0.00",) * 5)


def test_of_several_coverages_the_one_on_the_date_names_the_plan(night: Any) -> None:
    """S2-03"""
    run = night(
        plans=[plan(), plan(plan_id="L2", coinsurance_percent="50")],
        plan_benefits=[benefit(), benefit(plan_id="L2")],
        member_benefits=[coverage(last="2024-01-04"), coverage("2024-01-05", plan_id="L2")],
        claim_lines=[line("C4", service_date="2024-01-04"), line("C5", service_date="2024-01-05")],
    )
    assert [found["coinsurance"] for found in adjudicated_of(run).values()] == ["20.00", "50.00"]
