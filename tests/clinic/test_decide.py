"""The decision table, rows 1 to 10 and 15, over plain data."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from backoffice.adapters.hospital_types import (
    Activity,
    Appointment,
    BilledService,
    Block,
    Case,
    Configuration,
    CostCenter,
    Physician,
    Rule,
    Session,
)
from clinic.recovery.decide import LookupFailed, decide
from clinic.recovery.verdict import Decision, Plan, quantities, spelled

Value = TypeVar("Value")
START = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
VISIT = Appointment("A", START, START + timedelta(hours=1), "FINISHED", "T", "P", "D", "N", "C", ())


def block(code: str, price: str = "10.00", **other: Any) -> Block:
    made = Block(code, "a block", "ACTIVE", date(2000, 1, 1), None, Decimal(price), ())
    return replace(made, **other)


def rules(*wanted: tuple[str, str, str | None]) -> Configuration:
    return Configuration("T", tuple(Rule(*one) for one in wanted))


def billed(code: str, status: str = "BILLED", session: str = "S", quantity: int = 1) -> Session:
    return Session(session, "A", (BilledService(code, quantity, status),))


@dataclass
class Records:
    """The master records; a kind in `silent` does not answer."""

    configurations: dict[str, Configuration] = field(default_factory=lambda: {"T": rules(("E1", "ALWAYS", None))})
    cost_centers: dict[str, CostCenter] = field(default_factory=lambda: {"D": CostCenter("CC", "D", True)})
    physicians: dict[str, Physician] = field(default_factory=lambda: {"D": Physician("PHY", "D")})
    cases: dict[str, Case] = field(default_factory=lambda: {"C": Case("C", "P", "OUTPATIENT", "OPEN")})
    blocks: dict[str, Block] = field(default_factory=lambda: {code: block(code) for code in ("E1", "P1", "P2")})
    silent: set[str] = field(default_factory=set)

    def configuration(self, type_code: str) -> Configuration | None:
        return self._of("configuration", self.configurations, type_code)

    def cost_center(self, department_id: str) -> CostCenter | None:
        return self._of("cost_center", self.cost_centers, department_id)

    def physician(self, department_id: str) -> Physician | None:
        return self._of("physician", self.physicians, department_id)

    def case(self, case_id: str) -> Case | None:
        return self._of("case", self.cases, case_id)

    def block(self, code: str) -> Block | None:
        return self._of("block", self.blocks, code)

    def _of(self, kind: str, records: dict[str, Value], key: str) -> Value | None:
        if kind in self.silent:
            raise LookupFailed(kind)
        return records.get(key)


@pytest.fixture
def records() -> Records:
    return Records()


def decision(
    appointment: Appointment, records: Records, *sessions: Session, unread: bool = False, dismissed: bool = False
) -> Decision:
    found = decide(appointment, None if unread else sessions, records, dismissed=dismissed)
    assert isinstance(found, Decision)
    return found


def plan(appointment: Appointment, records: Records, *sessions: Session) -> Plan:
    found = decide(appointment, sessions, records)
    assert isinstance(found, Plan)
    return found


def said(found: Decision) -> tuple[str, str, str]:
    return found.outcome, found.category, found.reasons


@pytest.mark.parametrize("status", ["BOOKED", "CANCELLED", "NOSHOW"])
def test_row_1_what_is_not_finished_is_not_billable_whatever_else_is_wrong(records: Records, status: str) -> None:
    visit = replace(VISIT, status=status, type_code=None, case_id=None)
    assert said(decision(visit, records, dismissed=True)) == ("not_billable", "", "")


def test_row_1a_what_finance_has_dismissed_is_dismissed_before_its_faults_are_looked_at(records: Records) -> None:
    assert said(decision(replace(VISIT, case_id=None), records, dismissed=True)) == ("dismissed", "", "")


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"type_code": None}, "missing_type"),
        ({"department_id": None}, "missing_department"),
        ({"case_id": None}, "missing_case"),
        ({"end": START - timedelta(seconds=1)}, "ends_before_start"),
        (
            {"type_code": None, "end": START - timedelta(1), "case_id": ""},
            "ends_before_start;missing_case;missing_type",
        ),
    ],
)
def test_row_2_all_faults_of_the_appointment_are_named_in_alphabetical_order(
    records: Records, changes: dict[str, Any], reasons: str
) -> None:
    found = decision(replace(VISIT, **changes), records)
    assert said(found) == ("failed", "appointment_data", reasons)
    assert found.at_stake is None


@pytest.mark.parametrize("end", [None, START])
def test_row_2_an_end_that_is_null_or_equals_the_start_is_no_fault(records: Records, end: datetime | None) -> None:
    assert plan(replace(VISIT, end=end), records).lines


def test_row_3_a_type_without_configuration_holds_the_appointment_up(records: Records) -> None:
    found = decision(replace(VISIT, type_code="X"), records, unread=True)
    assert said(found) == ("failed", "master_data", "no_service_configuration")
    assert (found.blocked_by, found.at_stake) == ("configuration:X", None)


@pytest.mark.parametrize(
    ("wanted", "activities"),
    [
        ((), ()),
        ((("P1", "PERFORMED", "A1"),), ()),
        ((("P1", "PERFORMED", "A1"),), (Activity("A2", 1),)),
        ((("P1", "PERFORMED", "A1"),), (Activity("A1", 0),)),
        ((("P1", "PERFORMED", None),), (Activity("A1", 1),)),
    ],
)
def test_row_4_no_rule_that_applies_is_nothing_to_bill(
    records: Records, wanted: tuple[Any, ...], activities: tuple[Activity, ...]
) -> None:
    records.configurations["T"] = rules(*wanted)
    found = decision(replace(VISIT, activities=activities), records, unread=True)
    assert said(found) == ("nothing_to_bill", "", "")


def test_repeated_activities_and_rules_add_up(records: Records) -> None:
    records.configurations["T"] = rules(
        ("E1", "ALWAYS", None),
        ("E1", "ALWAYS", None),
        ("P1", "PERFORMED", "A1"),
        ("P1", "PERFORMED", "A2"),
        ("P2", "PERFORMED", "A1"),
        ("E1", "PERFORMED", "A2"),
    )
    visit = replace(VISIT, activities=(Activity("A1", 2), Activity("A2", 3), Activity("A1", 1)))
    assert quantities(plan(visit, records).lines) == "E1x5;P1x6;P2x3"


def test_row_5_a_billed_service_of_whatever_quantity_is_enough(records: Records) -> None:
    records.configurations["T"] = rules(("P1", "PERFORMED", "A1"))
    visit = replace(VISIT, activities=(Activity("A1", 9),))
    assert said(decision(visit, records, billed("P1", quantity=1))) == ("already_billed", "", "")


def test_row_5_a_cancelled_service_does_not_count_as_billed(records: Records) -> None:
    found = plan(VISIT, records, billed("E1", "CANCELLED", "S2"), billed("E1", "CANCELLED", "S1"))
    assert quantities(found.lines) == "E1x1"
    assert found.cancelled_sessions == ("S1", "S2")


def test_a_session_counts_as_cancelled_once_none_of_its_services_stands(records: Records) -> None:
    mixed = Session("S", "A", (BilledService("P1", 1, "BILLED"), BilledService("E1", 1, "CANCELLED")))
    assert plan(VISIT, records, mixed).cancelled_sessions == ()


def test_only_the_blocks_that_are_missing_are_planned(records: Records) -> None:
    records.configurations["T"] = rules(("E1", "ALWAYS", None), ("P1", "ALWAYS", None), ("P2", "ALWAYS", None))
    assert quantities(plan(VISIT, records, billed("P1")).lines) == "E1x1;P2x1"


@pytest.mark.parametrize("cost_centers", [{}, {"D": CostCenter("CC", "D", False)}])
def test_row_6_no_cost_centre_or_an_inactive_one(records: Records, cost_centers: dict[str, CostCenter]) -> None:
    records.cost_centers, records.physicians = cost_centers, {}
    found = decision(VISIT, records)
    assert said(found) == ("failed", "master_data", "no_cost_center")
    assert found.blocked_by == "cost_center:D"


def test_row_7_no_responsible_physician(records: Records) -> None:
    records.physicians, records.cases = {}, {}
    found = decision(VISIT, records)
    assert said(found) == ("failed", "master_data", "no_responsible_physician")
    assert found.blocked_by == "physician:D"


def test_row_8_an_unknown_case_comes_before_the_faults_of_blocks(records: Records) -> None:
    records.cases, records.blocks = {}, {}
    found = decision(VISIT, records)
    assert said(found) == ("failed", "appointment_data", "unknown_case")
    assert found.blocked_by == ""


@pytest.mark.parametrize("missing", ["cost_centers", "physicians", "cases"])
def test_rows_6_to_8_say_what_is_at_stake_by_the_blocks_that_have_a_record(records: Records, missing: str) -> None:
    setattr(records, missing, {})
    records.configurations["T"] = rules(("E1", "ALWAYS", None), ("P1", "PERFORMED", "A"), ("X", "ALWAYS", None))
    records.blocks = {"E1": block("E1", "100.00", status="RETIRED"), "P1": block("P1", "7.25")}
    found = decision(replace(VISIT, activities=(Activity("A", 3),)), records)
    assert found.at_stake == Decimal("121.75")
    assert quantities(found.missing) == "E1x1;P1x3;Xx1"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "RETIRED", "valid_to": date(2001, 1, 1)}, "retired_block"),
        ({"valid_from": date(2026, 3, 4)}, "block_not_valid_on_date"),
        ({"valid_to": date(2026, 3, 2), "allowed_case_types": ("INPATIENT",)}, "block_not_valid_on_date"),
        ({"allowed_case_types": ("INPATIENT", "EMERGENCY")}, "case_type_not_allowed"),
    ],
)
def test_row_9_the_first_reason_against_a_block_drops_it(
    records: Records, changes: dict[str, Any], reason: str
) -> None:
    records.configurations["T"] = rules(("E1", "ALWAYS", None), ("P1", "ALWAYS", None))
    records.blocks["P1"] = block("P1", **changes)
    found = plan(VISIT, records)
    assert (quantities(found.lines), spelled(found.dropped)) == ("E1x1", f"P1:{reason}")


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_from": date(2026, 3, 3), "valid_to": date(2026, 3, 3)},
        {"allowed_case_types": ("OUTPATIENT",)},
        {"allowed_case_types": ()},
    ],
)
def test_row_9_both_days_are_included_and_no_case_types_allow_all(records: Records, changes: dict[str, Any]) -> None:
    records.blocks["E1"] = block("E1", **changes)
    assert not plan(VISIT, records).dropped


def test_row_9_the_day_is_that_of_the_start_in_utc(records: Records) -> None:
    records.blocks["E1"] = block("E1", valid_from=date(2026, 3, 4))
    after_midnight = replace(VISIT, start=datetime(2026, 3, 4, 0, 0, tzinfo=UTC), end=None)
    assert plan(after_midnight, records).lines
    assert said(decision(VISIT, records))[2] == "E1:block_not_valid_on_date"


def test_row_10_no_block_left_names_each_with_its_reason_and_the_first_of_the_table_holds_it_up(
    records: Records,
) -> None:
    """S0-16"""
    records.configurations["T"] = rules(("E1", "ALWAYS", None), ("P1", "ALWAYS", None), ("P2", "ALWAYS", None))
    records.blocks = {"E1": block("E1", "5.00", status="RETIRED"), "P1": block("P1", valid_to=date(2001, 1, 1))}
    found = decision(VISIT, records)
    assert said(found) == (
        "failed",
        "service_block",
        "E1:retired_block;P1:block_not_valid_on_date;P2:unknown_block",
    )
    assert (found.at_stake, found.blocked_by) == (Decimal("15.00"), "block:P2")


@pytest.mark.parametrize("kind", ["configuration", "cost_center", "physician", "case", "block"])
def test_row_15_a_lookup_that_fails_fails_the_appointment_by_its_name(records: Records, kind: str) -> None:
    records.silent = {kind}
    found = decision(VISIT, records)
    assert said(found) == ("failed", "lookup", kind)
    assert found.at_stake == (None if kind in ("configuration", "block") else Decimal("10.00"))


def test_row_15_sessions_that_could_not_be_read_fail_only_who_needed_them(records: Records) -> None:
    assert said(decision(VISIT, records, unread=True)) == ("failed", "lookup", "sessions")


def test_row_15_rows_above_still_win(records: Records) -> None:
    records.silent = {"physician", "case", "block"}
    records.cost_centers = {}
    found = decision(VISIT, records)
    assert said(found) == ("failed", "master_data", "no_cost_center")
    assert found.at_stake is None
