"""The billing data that are made up for a hospital: consistent with it, the same again, and incomplete on purpose."""

import csv
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from backoffice.sandbox.hospital.billing import LEFT_OUT, write_billing
from backoffice.sandbox.hospital.generate import generate
from backoffice.sandbox.hospital.tables import Tables
from claims.edi.npi import is_npi
from claims.pipeline.tables import TABLES as TABLES_OF_THE_PIPELINE

TABLES = ("patients", "payers", "billing_providers", "charge_master", "diagnoses")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hospital")
    generate(folder, appointments=3_000, end=date(2026, 11, 22))
    return folder


@pytest.fixture(scope="module")
def made(hospital: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("billing")
    write_billing(hospital, folder)
    return folder


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_it_is_of_this_hospitals_patients_departments_blocks_and_cases(hospital: Path, made: Path) -> None:
    """All of them but those that are left out."""
    tables = Tables(hospital)
    visits = tables.appointments.values()
    theirs: list[tuple[str, str, set[str], str]] = [
        ("patients", "patient_id", {visit.patient_id for visit in visits if visit.patient_id}, "patient"),
        ("billing_providers", "department_id", {one.department_id for one in visits if one.department_id}, "provider"),
        ("charge_master", "block_code", set(tables.blocks), "charge"),
        ("diagnoses", "case_id", set(tables.cases), "diagnosis"),
    ]
    for table, key, wanted, what in theirs:
        found = {row[key] for row in rows(made, table)}
        assert found < wanted
        every, place = LEFT_OUT[what]
        assert len(wanted - found) == len(range(place, len(wanted), every))


def test_numbers_are_valid_and_no_two_blocks_have_the_same_code(made: Path) -> None:
    assert all(is_npi(row["npi"]) for row in rows(made, "billing_providers"))
    codes = [row["hcpcs"] for row in rows(made, "charge_master")]
    assert len(set(codes)) == len(codes)
    assert {row["enrolled"] for row in rows(made, "payers")} == {"true", "false"}
    assert [row for row in rows(made, "patients") if not row["birth_date"]]


def test_nobody_was_born_after_the_first_visit(hospital: Path, made: Path) -> None:
    born = {row["patient_id"]: row["birth_date"] for row in rows(made, "patients")}
    assert not [one for one in Tables(hospital).appointments.values() if born.get(one.patient_id or "", "") > one.start]


def test_a_payer_knows_who_bills_what_and_most_members(made: Path) -> None:
    """The tables by which the pipeline pays what this hospital sends."""
    theirs = made / "payer"
    assert {path.name for path in theirs.iterdir()} == set(TABLES_OF_THE_PIPELINE)
    for table, key, of, column in (
        ("providers", "npi", "billing_providers", "npi"),
        ("procedure_codes", "procedure_code", "charge_master", "hcpcs"),
        ("remittance_payers", "payer_id", "payers", "payer_id"),
    ):
        assert {row[key] for row in rows(theirs, table)} == {row[column] for row in rows(made, of)}
    members, known = (
        {row["member_id"] for row in rows(*of)} for of in ((made, "patients"), (theirs, "member_benefits"))
    )
    assert known < members
    assert len(known) >= len(members) * 3 // 4


def test_the_same_seed_makes_the_same_folder_and_another_one_another(
    hospital: Path, made: Path, tmp_path: Path
) -> None:
    for seed in (1, 2):
        write_billing(hospital, tmp_path / str(seed), seed=seed)
    for table in TABLES:
        first, again, other = (folder / f"{table}.csv" for folder in (made, tmp_path / "1", tmp_path / "2"))
        assert first.read_bytes() == again.read_bytes()
        assert (first.read_bytes() == other.read_bytes()) == (table in ("payers", "charge_master"))


def test_the_command_writes_it_instead_of_serving(hospital: Path, tmp_path: Path) -> None:
    call_command(
        "sandbox", "hospital", "--data", str(hospital), "--billing", str(tmp_path / "out"), "--filing-days", "9000"
    )
    assert {row["filing_days"] for row in rows(tmp_path / "out", "payers")} == {"9000"}
    with pytest.raises(CommandError, match="no such folder"):
        call_command("sandbox", "hospital", "--data", str(tmp_path / "none"), "--billing", str(tmp_path))
    with pytest.raises(CommandError, match="--filing-days is a whole number"):
        call_command("sandbox", "hospital", "--billing", str(tmp_path), "--filing-days", "0")
