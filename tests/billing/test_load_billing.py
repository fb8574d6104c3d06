"""load_billing takes a folder whole or not at all, and says what is wrong by file and line, nothing of a patient."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from billing.loading import load
from billing.models import BillingPatient, BillingPayer, BillingProvider, CaseDiagnosis, Charge, LoadedService
from claims.pipeline.delivered import FolderRefused
from regions.models import Region
from tests.billing.world import (
    DIAGNOSES,
    PATIENT,
    PAYER,
    PROVIDER,
    SERVICE,
    TEST,
    VISIT,
    claim_services,
    new_region,
    tables,
    write_folder,
)
from tests.factories import RegionFactory
from tests.processes import Processes

pytestmark = pytest.mark.django_db(transaction=True)
Rows = list[dict[str, str]]


@pytest.fixture
def region() -> Region:
    return RegionFactory.create(name="north")


def stored() -> dict[str, list[Any]]:
    """Every row of billing, by table."""
    models = apps.get_app_config("billing").get_models()
    return {model.__name__: list(model._default_manager.values().order_by("pk")) for model in models}


@pytest.fixture
def refused(tmp_path: Path, region: Region) -> Callable[..., list[str]]:
    """What is said of the folder, which changes nothing."""

    def problems(**others: Rows) -> list[str]:
        write_folder(tmp_path, tables(**others))
        before = stored()
        with pytest.raises(FolderRefused) as error:
            load(tmp_path, region)
        assert stored() == before
        return str(error.value).splitlines()

    return problems


def test_a_folder_is_loaded_and_a_file_that_comes_again_replaces_its_table_of_the_region(
    tmp_path: Path, region: Region
) -> None:
    """what is not in the folder stays, and so does what another region has."""
    other: Region = RegionFactory.create()
    for one in (region, other):
        load(write_folder(tmp_path, tables()), one)
    loaded = load(write_folder(tmp_path, {"payers": [PAYER | {"payer_id": "NEW01", "enrolled": "false"}]}), region)
    assert loaded == {"payers.csv": 1}
    assert list(BillingPayer.objects.filter(region=region).values_list("payer_id", "enrolled")) == [("NEW01", False)]
    assert BillingPayer.objects.get(region=other).payer_id == "PRM01"
    for model, rows in ((BillingPatient, 1), (BillingProvider, 1), (Charge, 3), (CaseDiagnosis, 2)):
        assert model._default_manager.filter(region=region).count() == rows


def test_a_patients_data_lie_encrypted_and_come_out_as_they_went_in(tmp_path: Path) -> None:
    new_region(tmp_path)
    patient = BillingPatient.objects.get()
    assert {**patient.details, "patient_id": "P1", "payer_id": patient.payer_id} == {
        **PATIENT, "middle": "", "suffix": "", "street_2": "",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM billing_billingpatient")
        row = " ".join(map(str, cursor.fetchone()))
    assert "P1" in row
    assert not [text for text in ("Dvorak", "Hana", "M100", "1980-02-29", "Elm") if text in row]


def test_codes_are_taken_as_people_write_them(tmp_path: Path) -> None:
    new_region(
        tmp_path,
        diagnoses=[{"case_id": "C1", "position": "1", "icd10": "E11.9"}],
        billing_providers=[PROVIDER | {"tax_id": "47-6405054", "zip_code": "68102-0001"}],
        charge_master=[VISIT | {"modifiers": "25,59"}],
    )
    assert CaseDiagnosis.objects.get().icd10 == "E119"
    assert (BillingProvider.objects.get().tax_id, BillingProvider.objects.get().zip_code) == ("476405054", "681020001")
    assert Charge.objects.get().modifiers == "25 59"


def test_what_a_card_lacks_is_loaded_as_it_is(tmp_path: Path) -> None:
    new_region(tmp_path, patients=[{"patient_id": "P1"}])
    assert BillingPatient.objects.get().details["member_id"] == ""


WRONG = [
    ("patients", PATIENT, "birth_date", "29.02.1980", "birth_date is no day as 2026-11-21: correct it"),
    ("patients", PATIENT, "birth_date", "1981-02-29", "birth_date is no day as 2026-11-21: correct it"),
    ("patients", PATIENT, "sex", "female", "sex is not F, M or U: correct it"),
    ("patients", PATIENT, "zip_code", "6810", "zip_code is not 5 or 9 digits: correct it"),
    ("patients", PATIENT, "state", "Nebraska", "state is not a state's two capital letters: correct it"),
    ("patients", PATIENT, "patient_id", "", "patient_id is empty: enter it"),
    (
        "patients", PATIENT, "member_id", "m_1",
        "member_id is not 2 to 80 capital letters, digits or plain marks: correct it",
    ),
    ("payers", PAYER, "filing_days", "0", "filing_days is no whole number from 1 to 36,600: correct it"),
    ("payers", PAYER, "enrolled", "yes", "enrolled is neither true nor false: correct it"),
    (
        "billing_providers", PROVIDER, "npi", "1245319598",
        "npi is not a valid NPI (ten digits with their check digit): correct it",
    ),
    ("billing_providers", PROVIDER, "tax_id", "4764", "tax_id is not nine digits: correct it"),
    ("billing_providers", PROVIDER, "zip_code", "68102", "zip_code is not nine digits: correct it"),
    ("billing_providers", PROVIDER, "phone", "12345", "phone is not ten digits without a leading 1: correct it"),
    ("charge_master", VISIT, "hcpcs", "visit", "hcpcs is not a CPT or HCPCS code: correct it"),
    ("charge_master", VISIT, "kind", "med", "kind is not one of MED, NONMED: correct it"),
    (
        "charge_master", VISIT, "place_of_service", "00",
        "place_of_service is not one of CMS's two-digit places of service: correct it",
    ),
    ("diagnoses", DIAGNOSES[0], "icd10", "250.00", "icd10 is not an ICD-10-CM code in capital letters: correct it"),
    ("diagnoses", DIAGNOSES[0], "position", "13", "position is no whole number from 1 to 12: correct it"),
    ("services", SERVICE, "quantity", "0", "quantity is no whole number from 1 to 9,999: correct it"),
    (
        "services", SERVICE, "price", "1.005",
        "price is no amount of dollars from 0 with at most two decimals: correct it",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("table", "good", "column", "value", "said"), WRONG)
def test_a_bad_row_is_named_by_file_and_line_with_what_to_do_and_without_its_values(
    refused: Callable[..., list[str]], table: str, good: dict[str, str], column: str, value: str, said: str
) -> None:
    (line,) = refused(**{table: [good, good | {column: value}]})
    assert line == f"{table}.csv line 3: {said}"
    shown = {text for text in [*good.values(), value] if len(text) > 3} - {"true"}
    assert not [text for text in shown if text in line]


def test_every_fault_of_a_row_stands_in_one_line_and_every_bad_row_is_listed(
    refused: Callable[..., list[str]],
) -> None:
    said = refused(
        patients=[PATIENT | {"sex": "x", "state": "XX"}, PATIENT, PATIENT | {"patient_id": "P2", "sex": "y"}],
        payers=[PAYER | {"filing_days": "-1"}],
    )
    assert [line.partition(":")[0] for line in said] == [
        "patients.csv line 2",
        "patients.csv line 4",
        "payers.csv line 2",
    ]
    assert "; " in said[0]


def test_a_key_that_comes_twice_is_named_by_its_lines(refused: Callable[..., list[str]]) -> None:
    assert refused(patients=[PATIENT, PATIENT | {"patient_id": "P2"}, PATIENT]) == [
        "patients.csv line 4: has the same patient_id as line 2: remove one of them"
    ]
    assert refused(diagnoses=[*DIAGNOSES, DIAGNOSES[0]]) == [
        "diagnoses.csv line 4: has the same case_id and position as line 2: remove one of them"
    ]


def test_a_file_without_rows_a_column_or_a_whole_row_is_refused(
    refused: Callable[..., list[str]], tmp_path: Path, region: Region
) -> None:
    assert refused(payers=[]) == [
        "payers.csv: has no row and would empty the table: leave it out to keep what is loaded"
    ]
    (tmp_path / "payers.csv").write_text("payer_id,name\nPRM01,Prairie\n")
    with pytest.raises(FolderRefused, match=r"payers\.csv line 1: lacks filing_days"):
        load(tmp_path, region)
    (tmp_path / "payers.csv").write_text("payer_id,name,filing_days\nPRM01,Prairie\n")
    with pytest.raises(FolderRefused, match=r"payers\.csv line 2: has 2 fields, not 3"):
        load(tmp_path, region)


def test_columns_that_may_be_left_out_have_their_usual_value(tmp_path: Path, region: Region) -> None:
    (tmp_path / "payers.csv").write_text("payer_id,name,filing_days\nPRM01,Prairie,90\n")
    load(tmp_path, region)
    assert BillingPayer.objects.get().enrolled


def test_loaded_services_are_added_to_and_what_was_claimed_is_not_changed(tmp_path: Path) -> None:
    region = new_region(tmp_path, services=[SERVICE, SERVICE | {"service_id": "S2"}])
    changed = SERVICE | {"service_id": "S2", "quantity": "3"}
    load(write_folder(tmp_path, {"services": [changed, SERVICE | {"service_id": "S3", "block_code": "T"}]}), region)
    rows = LoadedService.objects.filter(region=region).order_by("service_id")
    assert [(row.service_id, row.quantity, str(row.value)) for row in rows] == [
        ("S1", 2, "80.50"), ("S2", 3, "120.75"), ("S3", 2, "80.50"),
    ]  # fmt: skip
    claim_services(region)
    load(write_folder(tmp_path, {"services": [changed]}), region)
    with pytest.raises(FolderRefused) as error:
        load(write_folder(tmp_path, {"services": [SERVICE, changed | {"price": "1.00"}]}), region)
    assert str(error.value) == (
        "services.csv line 3: was claimed with other values: leave the row as it was,"
        " and correct the claim by a replacement"
    )


def test_the_command_says_what_it_loads_and_checks_without_loading(
    tmp_path: Path, region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, tables(charge_master=[VISIT, TEST]))
    call_command("load_billing", str(tmp_path), "--region", "north", "--check", "--json")
    checked = json.loads(capsys.readouterr().out)
    assert (checked["loaded"], checked["rows"]["charge_master.csv"]) == (False, 2)
    assert not Charge.objects.exists()
    call_command("load_billing", str(tmp_path), "--region", "north")
    assert capsys.readouterr().out == ""
    assert Charge.objects.count() == 2


def test_the_command_ends_with_2_where_something_is_wrong(
    tmp_path: Path, region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, tables(payers=[PAYER | {"filing_days": "x"}]))
    with pytest.raises(CommandError, match="Nothing was loaded") as error:
        call_command("load_billing", str(tmp_path), "--region", "north")
    assert error.value.returncode == 2
    with pytest.raises(SystemExit) as ended:
        call_command("load_billing", str(tmp_path), "--region", "north", "--json")
    assert ended.value.code == 2
    said = json.loads(capsys.readouterr().out)
    assert said["problems"] == ["payers.csv line 2: filing_days is no whole number from 1 to 36,600: correct it"]
    with pytest.raises(CommandError, match=r"none of patients\.csv"):
        call_command("load_billing", str(tmp_path / "empty"), "--region", "north")


@pytest.mark.slow
def test_two_hundred_thousand_patients_need_no_more_memory_than_fifty_thousand(
    tmp_path: Path, region: Region, processes: Processes
) -> None:
    """Of the process as a whole: within 10 %, and under 256 MiB."""
    code = (
        "import pathlib, re, sys; from django.core.management import execute_from_command_line as run;"
        "run(['manage.py', *sys.argv[1:]]);"
        "print(re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1])"
    )

    def peak(patients: int) -> int:
        numbers = (f"{number:06d}" for number in range(patients))
        rows = ({**PATIENT, "patient_id": f"P{number}", "member_id": f"M{number}"} for number in numbers)
        folder = str(write_folder(tmp_path / "folder", {"patients": rows}))
        loading = processes.start(
            sys.executable, "-c", code, "load_billing", folder, "--region", "north",
            DJANGO_SETTINGS_MODULE="backoffice.settings",
        )  # fmt: skip
        assert loading.ends(within=600) == 0, loading.output
        assert BillingPatient.objects.count() == patients
        return int(loading.output.split()[-1])

    few, many = peak(50_000), peak(200_000)
    assert many < 1.1 * few
    assert many < 256 * 1024
