"""Claims of services, the clearinghouse's answers to them, and a night of the pipeline, with files that are wrong."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from backoffice.sandbox.clearinghouse import Account, ClearinghouseServer
from billing.models import Answer, Claim, Document
from claims.models import AdjudicatedClaim
from tests.billing.answered import paid, payment, status
from tests.billing.sending import PASSWORD, Office, office_of
from tests.billing.world import DIAGNOSES, PATIENT, service_write, tables
from tests.billing.world import write_folder as write_billing
from tests.canary import values
from tests.canary.watch import Watch, written
from tests.claims.folders import coverage, line, small_world, write_folder
from tests.edi.written import file_of, st

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
REGION = ("--region", "nebraska")
WHO = {
    **PATIENT, "patient_id": values.PATIENT, "member_id": values.MEMBER, "last": values.FAMILY, "first": values.GIVEN,
    "birth_date": values.BIRTH_DATE, "street": values.STREET, "city": values.CITY, "zip_code": values.ZIP,
}  # fmt: skip
# As if a spreadsheet had shifted the columns.
SHIFTED = {
    **WHO,
    "patient_id": values.FAMILY,
    "birth_date": values.GIVEN,
    "sex": values.MEMBER,
    "zip_code": values.CITY,
}


@pytest.fixture
def office(watch: Watch, tmp_path: Path) -> Iterator[Office]:
    account = Account(password=PASSWORD)
    with ClearinghouseServer(tmp_path / "clearinghouse", account=account, sweeping=False) as server:
        yield office_of(server)


def answers_by_hand() -> dict[str, bytes]:
    """Of patients that nobody has claimed for, and with canaries where codes and numbers should be."""
    named = f"NM1*QC*1*{values.FAMILY}*{values.GIVEN}****MI*{values.MEMBER}".encode("ascii", "replace").decode()
    return {
        "277-of-nobody.txt": status("B9-9", [(values.MEMBER, "A2:20")]),
        "277-wrong.txt": status("B9-9", [(values.PATIENT, f"{values.GIVEN}:{values.MEMBER}")]),
        "835-of-nobody.txt": payment("T9", [*paid(values.CLAIM_MEMBER), named], total=130),
        "835-wrong.txt": payment("T8", paid(values.MEMBER, code=values.GIVEN), total=values.BIRTH_DATE),
        "999-wrong.txt": file_of("999", st("999", f"AK1*HC*{values.MEMBER}*{values.GIVEN}", named)),
        "none.txt": f"Dear clinic, {values.ALL}".encode(),
    }  # fmt: skip


def test_claims_and_their_answers_say_nothing_of_a_patient(watch: Watch, office: Office, tmp_path: Path) -> None:
    """[S4-09]"""
    folder = write_billing(tmp_path / "billing", tables(patients=[SHIFTED, WHO, WHO], diagnoses=DIAGNOSES))
    watch.manage("load_billing", str(folder), *REGION, status=2)
    write_billing(folder, tables(patients=[WHO]))
    watch.manage("load_billing", str(folder), *REGION, "--json")
    for visit in ({}, {"patient_id": f"{values.PATIENT}-unknown"}):
        service_write(office.region, ("V", 2, "40.25"), visit={"patient_id": values.PATIENT, **visit})
    worker = watch.start("work", SFTP_LOOK_SECONDS="0.1")
    watch.manage("claim_services", *REGION, "--wait", "--json")
    faults = office.server.faults
    for kind in ("refused_login", "drop_upload", "full_disk", None):
        if kind:
            faults.next(kind)
        watch.manage("submit_claims", *REGION, "--wait", "--json", status=None)
    assert Claim.objects.filter(state="uploaded").exists()
    desk = office.server.desk
    for _ in range(2):
        desk.sweep()
    for name, content in answers_by_hand().items():
        written(desk.outbound, name, content)
    faults.next("drop_download")
    for _ in range(2):
        watch.manage("list_claim_files", *REGION, "--wait", "--json", status=None)
    watch.manage("process_claim_files", *REGION, "--wait", "--json", status=None)
    watch.manage("check_alerts")
    watch.end(worker)
    assert Document.objects.filter(direction="received").count() >= len(answers_by_hand())
    assert Answer.objects.exists()
    assert watch.leaks() == []


def test_a_night_says_nothing_of_a_member(watch: Watch, office: Office, tmp_path: Path) -> None:
    """[S4-09]"""
    member = {"member_id": values.CLAIM_MEMBER}
    lines = [
        line("C1", 1, **member), line("C2", 1, **member, procedure_code="NONE"), line("C3", 1, **member, units="-1"),
        line("C4", 1, member_id=values.MEMBER), line("C5", 1, **{**member, "service_date": values.GIVEN}),
    ]  # fmt: skip
    wrong = [line("C1", 1, **member), line("C1", 1, **member), {**line("C9"), "line_number": values.FAMILY}]
    benefits = [coverage(**member, coverage_from=values.FAMILY)]
    folder = write_folder(tmp_path / "claims", small_world(member_benefits=benefits, claim_lines=wrong))
    watch.manage("load_claims", str(folder), *REGION, status=2)
    opening = {"member_id": values.CLAIM_MEMBER, "benefit_year": values.BIRTH_DATE, "field_name": values.GIVEN}
    write_folder(folder, {"accumulators": [{**opening, "value": values.FAMILY}]})
    watch.manage("load_claims", str(folder), *REGION, status=2)
    write_folder(folder, small_world(member_benefits=[coverage(**member)], claim_lines=lines))
    watch.manage("load_claims", str(folder), *REGION)
    written(tmp_path, "taken.txt", f"ISA*{values.ALL}~".encode())
    watch.manage("stage_claims", str(tmp_path / "taken.txt"), *REGION, "--json", status=None)
    worker = watch.start("work")
    run_date = ("--run-date", (timezone.now() - timedelta(days=1)).date().isoformat())
    watch.manage("run_pipeline", *REGION, *run_date, "--wait", "--json")
    assert AdjudicatedClaim.objects.filter(member_id=values.CLAIM_MEMBER).exists()
    watch.manage("export_pipeline", *REGION, *run_date, "--output", str(tmp_path / "night"))
    watch.manage("pipeline_forecast", *REGION, "--json")
    watch.manage("undo_pipeline", *REGION, *run_date, "--wait", "--json")
    watch.manage("check_alerts")
    watch.end(worker)
    assert watch.leaks() == []
