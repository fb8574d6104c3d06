"""A made-up hospital: it has every case of the decision table, and the same arguments make the same files."""

import tracemalloc
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from backoffice.sandbox.hospital.folder import COLUMNS
from backoffice.sandbox.hospital.generate import generate
from backoffice.sandbox.hospital.records import Appointment
from backoffice.sandbox.hospital.situations import SITUATIONS
from backoffice.sandbox.hospital.tables import Tables
from tests.sandbox.oracle import Verdict, billed_blocks, due_quantities, verdict

END = date(2026, 11, 22)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The smallest hospital that promises every situation, thrice over."""
    folder = tmp_path_factory.mktemp("generated")
    generate(folder, appointments=3 * len(SITUATIONS), end=END)
    return Tables(folder)


@pytest.fixture(scope="module")
def verdicts(tables: Tables) -> dict[Appointment, Verdict]:
    billed = billed_blocks(tables)
    return {visit: verdict(tables, billed, visit) for visit in tables.appointments.values()}


@pytest.fixture(scope="module")
def supported(tables: Tables) -> dict[str, Counter[str]]:
    """Due quantities of the finished appointments whose type is configured."""
    return {
        visit.id: due_quantities(tables, visit)
        for visit in tables.appointments.values()
        if visit.type_code in tables.configurations and visit.status == "FINISHED"
    }


def test_every_outcome_occurs(verdicts: dict[Appointment, Verdict]) -> None:
    assert {found.outcome for found in verdicts.values()} == {
        "not_billable",
        "failed",
        "nothing_to_bill",
        "already_billed",
        "partially_recovered",
        "recovered",
    }


def test_every_status_occurs(tables: Tables) -> None:
    assert {visit.status for visit in tables.appointments.values()} == {"BOOKED", "FINISHED", "CANCELLED", "NOSHOW"}


@pytest.mark.parametrize(
    ("category", "reason"),
    [
        ("appointment_data", "missing_type"),
        ("appointment_data", "missing_department"),
        ("appointment_data", "missing_case"),
        ("appointment_data", "ends_before_start"),
        ("appointment_data", "ends_before_start;missing_case;missing_department"),
        ("appointment_data", "unknown_case"),
        ("master_data", "no_service_configuration"),
        ("master_data", "no_cost_center"),
        ("master_data", "no_responsible_physician"),
        ("service_block", "V-ACU-OLD:retired_block"),
        ("validation", "CASE_CLOSED"),
    ],
)
def test_every_reason_to_fail_occurs(verdicts: dict[Appointment, Verdict], category: str, reason: str) -> None:
    assert Verdict("failed", category, reason) in verdicts.values()


@pytest.mark.parametrize(
    "reason",
    [
        "X-LASER-2:unknown_block",
        "X-SONO-OLD:retired_block",
        "X-VACUUM-OLD:block_not_valid_on_date",
        "W-MONITOR:case_type_not_allowed",
        "X-LASER-2:unknown_block;X-SONO-OLD:retired_block",
    ],
)
def test_every_reason_to_drop_a_block_occurs(verdicts: dict[Appointment, Verdict], reason: str) -> None:
    partial = [found for found in verdicts.values() if found.outcome == "partially_recovered"]
    assert reason in {found.reasons for found in partial}


def test_a_cost_center_is_missing_somewhere_and_inactive_elsewhere(tables: Tables) -> None:
    departments = {visit.department_id for visit in tables.appointments.values() if visit.department_id}
    assert departments - set(tables.cost_centers)
    assert {center.department_id for center in tables.cost_centers.values() if not center.active} & departments


def test_what_the_nebraska_data_lack_occurs(tables: Tables, verdicts: dict[Appointment, Verdict]) -> None:
    activities = tables.activities.values()
    assert any(one.quantity > 1 for some in activities for one in some)
    assert any(len({one.code for one in some}) < len(some) for some in activities), "a repeated activity"
    assert any("X-ECGx2" in found.services for found in verdicts.values()), "a block of two rules"
    assert Verdict("nothing_to_bill") in verdicts.values()


def test_sessions_are_whole_partial_cancelled_replaced_and_of_another_quantity(
    tables: Tables, supported: dict[str, Counter[str]], verdicts: dict[Appointment, Verdict]
) -> None:
    billed = billed_blocks(tables)
    outcomes = {visit.id: found.outcome for visit, found in verdicts.items()}
    statuses = [{service.status for service in session.services} for session in tables.sessions]
    assert {"CANCELLED"} in statuses
    assert {"BILLED", "CANCELLED"} in statuses
    assert max(Counter(session.appointment_id for session in tables.sessions).values()) == 2
    assert any(billed.get(key) and outcomes[key] == "recovered" for key in supported), "partially billed"
    assert any(
        outcomes[session.appointment_id] == "already_billed"
        and any(supported[session.appointment_id][one.block_code] < one.quantity for one in session.services)
        for session in tables.sessions
    )


def test_billed_services_that_nothing_supports_occur(tables: Tables, supported: dict[str, Counter[str]]) -> None:
    strangers = {(key, code) for key, codes in billed_blocks(tables).items() for code in codes - set(supported[key])}
    of_a_rule = {
        code
        for key, code in strangers
        if any(rule.block_code == code for rule in tables.configurations[str(tables.appointments[key].type_code)].rules)
    }
    assert of_a_rule, "a rule's activity was not performed"
    assert {code for _, code in strangers} - of_a_rule, "no rule has it"


def test_every_nullable_field_of_an_appointment_is_null_somewhere(tables: Tables) -> None:
    visits = tables.appointments.values()
    for name in ("end", "type_code", "patient_id", "department_id", "practitioner_id", "case_id"):
        assert any(getattr(visit, name) is None for visit in visits), name
    assert any(visit.end == visit.start for visit in visits)


def test_the_same_seed_makes_the_same_files_and_another_one_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(tmp_path / name, appointments=300, seed=seed, end=END)
    for table in COLUMNS:
        a, b = ((tmp_path / name / f"{table}.csv").read_bytes() for name in "ab")
        assert a == b
    assert (tmp_path / "a/appointments.csv").read_bytes() != (tmp_path / "c/appointments.csv").read_bytes()


def test_appointments_lie_within_the_range_and_their_number_is_right(tmp_path: Path) -> None:
    generate(tmp_path, appointments=500, start=date(2026, 10, 1), end=date(2026, 11, 1))
    tables = Tables(tmp_path)
    starts = sorted(visit.start for visit in tables.appointments.values())
    assert len(starts) == 500
    assert starts[0] >= "2026-10-01"
    assert starts[-1] < "2026-11-01"


def test_an_empty_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="working day"):
        generate(tmp_path, start=END, end=END)
    with pytest.raises(ValueError, match="an appointment"):
        generate(tmp_path, appointments=0, end=END)


@pytest.mark.slow
def test_what_is_written_does_not_stay_in_memory(tmp_path: Path) -> None:
    def peak_and_size(appointments: int) -> tuple[int, int]:
        folder = tmp_path / str(appointments)
        tracemalloc.start()
        generate(folder, appointments=appointments, end=END)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most, sum(file.stat().st_size for file in folder.iterdir())

    small_peak, small_size = peak_and_size(1000)
    large_peak, large_size = peak_and_size(6000)
    assert large_peak - small_peak < (large_size - small_size) / 3
