"""Claims of services: what is on them, what no claim can be made of, and that each is made once."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from backoffice.runs.faults import Misuse
from backoffice.runs.models import RunStatus
from backoffice.runs.report import run_report
from billing.content import claim_of
from billing.loading import load
from billing.making.keep import keep, made_of
from billing.making.numbers import control_number, line_number
from billing.making.sources import page, source_of
from billing.models import BillingPayer, CaseDiagnosis, Charge, Claim, ClaimEvent, ClaimLine, Unclaimable
from claims.edi.claims import Kind
from claims.edi.rules_services import CONTROL
from clinic.models import ServiceWrite, WriteState
from regions.models import Region
from tests.billing.world import (
    DIAGNOSES,
    PATIENT,
    PAYER,
    RIDE,
    SERVICE,
    TEST,
    VISIT,
    at,
    claim_services,
    new_region,
    outcomes,
    reasons,
    service_write,
    tables,
    total,
    write_folder,
)

pytestmark = pytest.mark.django_db(transaction=True)
ALL = [VISIT, TEST, RIDE]


@pytest.fixture
def region(tmp_path: Path) -> Region:
    return new_region(tmp_path)


def test_a_visit_becomes_a_medical_and_a_non_medical_claim_that_may_be_sent(region: Region) -> None:
    """S3-13"""
    write = service_write(region, ("V", 1, "85.45"), ("T", 3, "10.10"), ("R", 2, "20.00"))
    run = claim_services(region)
    assert outcomes(run) == {"claimed": 1, "validated": 2}
    medical, ride = Claim.objects.order_by("kind")
    assert [(one.kind, one.state, str(one.charge), one.frequency) for one in (medical, ride)] == [
        ("MED", "validated", "115.75", "1"), ("NONMED", "validated", "40.00", "1"),
    ]  # fmt: skip
    assert {one.write_id for one in (medical, ride)} == {write.pk}
    claim = claim_of(medical.content)
    assert [(line.procedure, line.modifiers, line.charge, line.quantity, line.place) for line in claim.lines] == [
        ("G0103", ("59",), Decimal("30.30"), Decimal(3), ""), ("99213", (), Decimal("85.45"), Decimal(1), "11"),
    ]  # fmt: skip
    assert (claim.place, claim.diagnoses, claim.lines[0].pointers) == ("22", ("I10", "E119"), (1, 2))
    assert (claim.subscriber.member_id, claim.subscriber.birth_date) == ("M100", date(1980, 2, 29))
    assert (claim.billing.npi, claim.payer.name, medical.provider) == ("1245319599", "Prairie Mutual", "1245319599")
    assert claim_of(ride.content).lines[0].modifiers == ("U1",)


def test_open_columns_and_lines_say_what_the_content_says(region: Region) -> None:
    service_write(region, ("V", 1, "85.45"), ("T", 3, "10.10"))
    run = claim_services(region)
    row = Claim.objects.get()
    claim = claim_of(row.content)
    assert (row.control, row.charge, row.payer_id, row.patient_id, row.run_id) == (
        claim.control, claim.charge, "PRM01", "P1", run.pk,
    )  # fmt: skip
    lines = ClaimLine.objects.filter(claim=row)
    assert [(one.control, one.procedure, one.charge, one.block_code) for one in lines] == [
        (line.control, line.procedure, line.charge, block) for line, block in zip(claim.lines, ("T", "V"), strict=True)
    ]
    assert [len(one.service_key) for one in lines] == [0, 64]  # 59 says that it was done again
    assert list(ClaimEvent.objects.values_list("key", "state")) == [("draft", "draft"), ("validated", "validated")]


def test_the_day_is_the_regions(region: Region) -> None:
    service_write(region, ("V", 1, "1.00"), start=at("2026-11-03T04:30:00"))
    claim_services(region)
    assert Claim.objects.get().first_day == date(2026, 11, 2)  # 22:30 in Chicago


def test_only_what_was_written_is_claimed(region: Region) -> None:
    for state in set(WriteState) - {WriteState.WRITTEN}:
        service_write(region, ("V", 1, "1.00"), state=state)
    assert outcomes(claim_services(region)) == {}


def test_a_second_run_makes_nothing_new(region: Region) -> None:
    service_write(region, ("V", 1, "85.45"))
    claim_services(region)
    before = list(Claim.objects.values())
    assert outcomes(claim_services(region)) == {}
    assert list(Claim.objects.values()) == before


def test_loaded_services_are_claimed_as_recovered_ones_are(tmp_path: Path) -> None:
    region = new_region(tmp_path, services=[SERVICE, SERVICE | {"service_id": "S2", "day": "2026-11-03"}])
    assert outcomes(claim_services(region, chunk=1)) == {"claimed": 2, "validated": 2}
    claims = Claim.objects.order_by("pk")
    assert [(str(one.charge), one.first_day, one.loaded is not None) for one in claims] == [
        ("80.50", date(2026, 11, 2), True), ("80.50", date(2026, 11, 3), True),
    ]  # fmt: skip
    assert len({one.control for one in claims}) == 2


MISSING = [
    pytest.param({"patients": [PATIENT | {"patient_id": "P9"}]}, [["patient", "P1"]], id="patient"),
    pytest.param({"patients": [PATIENT | {"birth_date": ""}]}, [["patient.birth_date", "P1"]], id="birth date"),
    pytest.param(
        {"patients": [PATIENT | {"street": "", "payer_id": ""}]},
        [["patient.payer_id", "P1"], ["patient.street", "P1"]],
        id="several fields",
    ),
    pytest.param({"payers": [PAYER | {"payer_id": "OTHER"}]}, [["payer", "PRM01"]], id="payer"),
    pytest.param({"charge_master": [VISIT, RIDE]}, [["charge", "T"]], id="charge"),
    pytest.param({"diagnoses": [DIAGNOSES[0] | {"case_id": "C9"}]}, [["diagnosis", "C1"]], id="diagnosis"),
]


@pytest.mark.parametrize(("others", "missing"), MISSING)
def test_what_lacks_something_is_listed_with_the_field_and_the_money_and_claimed_once_it_is_loaded(
    tmp_path: Path, others: dict[str, list[dict[str, str]]], missing: list[list[str]]
) -> None:
    region = new_region(tmp_path, **others)
    service_write(region, ("V", 1, "85.45"), ("T", 2, "10.00"))
    for _ in range(2):
        assert outcomes(claim_services(region)) == {"unclaimable": 1}
    row = Unclaimable.objects.get()
    assert (row.missing, str(row.at_stake), row.closed_at) == (missing, "105.45", None)
    assert row.lacks == ";".join(what for what, _ in missing)
    load(write_folder(tmp_path, tables()), region)
    assert outcomes(claim_services(region)) == {"claimed": 1, "validated": 1}
    row.refresh_from_db()
    assert row.closed_at is not None


def test_a_department_without_a_provider_is_listed(region: Region) -> None:
    service_write(region, ("V", 1, "1.00"), visit={"department_id": "D9", "patient_id": ""})
    claim_services(region)
    assert Unclaimable.objects.get().missing == [["patient", ""], ["provider", "D9"]]


def test_claims_and_what_is_unclaimable_come_to_what_was_written(region: Region) -> None:
    """To the cent, whatever the size of a chunk."""
    for number in range(7):
        blocks = [("V", 1, f"{number}.33"), *([("NONE", 2, "0.05")] if number % 3 == 0 else [("R", 3, "7.77")])]
        service_write(region, *blocks)
    report = run_report(claim_services(region, chunk=2))
    charged, left = total(Claim.objects.all(), "charge"), total(Unclaimable.objects.all(), "at_stake")
    assert charged + left == total(ServiceWrite.objects.all(), "value") == Decimal("116.85")
    assert (Decimal(report["money"]["value"]), Decimal(report["money"]["at_stake"])) == (charged, left)
    assert report["totals"]["lacks_charge"] == 3


def test_more_than_fifty_services_are_split_over_claims(tmp_path: Path) -> None:
    codes = [f"B{number:03d}" for number in range(101)]
    master = [VISIT | {"block_code": code, "hcpcs": f"G{number:04d}"} for number, code in enumerate(codes)]
    region = new_region(tmp_path, charge_master=[one for one in master if not one["hcpcs"].endswith("99")])
    service_write(region, *((code, 1, "1.01") for code in codes if code != "B099"))
    claim_services(region)
    claims = Claim.objects.order_by("part")
    assert [(one.part, one.lines.count(), one.state) for one in claims] == [
        (1, 50, "validated"), (2, 50, "validated"),
    ]  # fmt: skip
    assert sum(one.charge for one in claims) == Decimal("101.00")
    assert len(set(ClaimLine.objects.values_list("control", flat=True))) == 100


@given(
    kind=st.sampled_from(Kind), origin=st.sampled_from(["write", "loaded"]), pk=st.integers(1, 36**7 - 1),
    part=st.integers(1, 1295), version=st.integers(1, 1295),
)  # fmt: skip
def test_a_claims_number_is_thirteen_letters_and_digits_from_which_its_source_can_be_told(
    kind: Kind, origin: str, pk: int, part: int, version: int
) -> None:
    """So that no two are the same."""
    control = control_number(kind, origin, pk, part, version)
    assert CONTROL.fullmatch(control)
    read = (control[0], control[1], *(int(text, 36) for text in (control[2:9], control[9:11], control[11:])))
    assert read == (kind[0], "R" if origin == "write" else "L", pk, part, version)
    assert line_number(control, 50) == f"{control}50"


def test_a_number_that_does_not_fit_is_none() -> None:
    with pytest.raises(OverflowError):
        control_number(Kind.MED, "write", 36**7, 1, 1)


def test_a_refused_claim_stays_a_draft_with_its_reasons_and_is_judged_again_when_data_change(tmp_path: Path) -> None:
    """S3-13: validated before it is sent."""
    region = new_region(tmp_path, payers=[PAYER | {"enrolled": "false"}])
    service_write(region, ("V", 1, "85.45"))
    for _ in range(2):
        run = claim_services(region)
        assert outcomes(run)["refused"] == 1
    claim = Claim.objects.get()
    assert (claim.state, reasons(claim)) == ("draft", {"payer"})
    assert run_report(run)["totals"]["refused_payer"] == 1
    assert ClaimEvent.objects.filter(code="payer", state="").count() == 1  # said once
    BillingPayer.objects.update(enrolled=True)
    assert outcomes(claim_services(region)) == {"validated": 1}
    claim.refresh_from_db()
    assert (claim.state, claim.refused) == ("validated", [])


def test_a_refused_claim_is_made_again_of_what_was_loaded_since(tmp_path: Path) -> None:
    region = new_region(tmp_path, patients=[PATIENT | {"first": "漢"}])
    service_write(region, ("V", 1, "85.45"))
    claim_services(region)
    claim = Claim.objects.get()
    assert reasons(claim) == {"names"}
    control = claim.control
    load(write_folder(tmp_path, {"patients": [PATIENT], "charge_master": [VISIT | {"hcpcs": "99214"}]}), region)
    assert outcomes(claim_services(region)) == {"validated": 1}
    claim.refresh_from_db()
    assert (claim.control, claim_of(claim.content).subscriber.name.first) == (control, "Hana")
    assert [one.procedure for one in claim.lines.all()] == ["99214"]


def test_a_draft_whose_data_are_gone_or_grouped_otherwise_says_so(tmp_path: Path) -> None:
    region = new_region(tmp_path, payers=[PAYER | {"enrolled": "false"}])
    service_write(region, ("V", 1, "85.45"), ("T", 1, "1.00"))
    claim_services(region)
    claim = Claim.objects.get()
    CaseDiagnosis.objects.all().delete()
    claim_services(region)
    assert reasons(claim) == {"missing"}
    load(write_folder(tmp_path, {"diagnoses": DIAGNOSES}), region)
    Charge.objects.filter(block_code="T").update(kind="NONMED")
    claim_services(region)
    assert reasons(claim) == {"regrouped"}


def test_the_same_service_of_the_same_day_is_let_pass_once(region: Region) -> None:
    """Within a run and against what a run before has let pass."""
    start = timezone.now() - timedelta(days=3)
    for number in range(3):
        service_write(region, ("V", 1, "85.45"), start=start)
        if number:
            claim_services(region, chunk=1)
    states = Claim.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["validated", "draft", "draft"]
    assert {code for one in Claim.objects.filter(state="draft") for code in reasons(one)} == {"duplicate_service"}


def test_a_claim_past_the_payers_window_is_refused(tmp_path: Path) -> None:
    region = new_region(tmp_path, payers=[PAYER | {"filing_days": "5"}])
    service_write(region, ("V", 1, "85.45"))
    claim_services(region)
    assert reasons(Claim.objects.get()) == {"filing_window"}


def test_a_claim_that_was_withdrawn_is_not_made_again(region: Region) -> None:
    service_write(region, ("V", 1, "85.45"))
    claim_services(region)
    Claim.objects.update(withdrawn=True)
    assert outcomes(claim_services(region)) == {}


def test_another_regions_services_and_data_are_out_of_reach(region: Region, tmp_path: Path) -> None:
    other = new_region(tmp_path, charge_master=[VISIT])
    service_write(region, ("V", 1, "85.45"))
    theirs = service_write(other, ("T", 1, "1.00"))
    claim_services(region)
    assert Claim.objects.get().region == region
    claim_services(other)
    assert Unclaimable.objects.get().write == theirs


def test_what_was_changed_after_it_was_read_is_left_for_the_next_run(tmp_path: Path) -> None:
    region = new_region(tmp_path, services=[SERVICE])
    read = page(region, "loaded", 0, 10)
    load(write_folder(tmp_path, {"services": [SERVICE | {"quantity": "5"}]}), region)
    assert keep(region, made_of(region, read)) == 0
    assert not Claim.objects.exists()
    assert keep(region, made_of(region, page(region, "loaded", 0, 10))) == 1
    assert str(Claim.objects.get().charge) == "201.25"


def test_who_comes_second_makes_no_second_claim(region: Region) -> None:
    row = service_write(region, ("V", 1, "85.45"))
    made = made_of(region, [source_of(row, region)])
    assert [keep(region, made), keep(region, made)] == [1, 0]
    assert Claim.objects.count() == 1


def test_the_command_waits_and_reports(region: Region, queue: object, capsys: pytest.CaptureFixture[str]) -> None:
    service_write(region, ("V", 1, "85.45"))
    call_command("claim_services", "--region", region.name, "--wait", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["status"], report["money"]["value"]) == (RunStatus.COMPLETE, "85.45")
    assert report["outcomes"] == {"claimed": 1, "validated": 1, "refused": 0, "unclaimable": 0} or report["read"] == 2
    with pytest.raises(CommandError, match="chunk is a whole number"):
        call_command("claim_services", "--region", region.name, "--chunk", "0", "--wait")


def test_parameters_that_it_does_not_know_are_refused(region: Region) -> None:
    with pytest.raises(Misuse, match="Not known: days"):
        claim_services(region, days=3)
