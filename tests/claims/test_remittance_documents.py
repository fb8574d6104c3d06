"""A claim that came as 837P gets back an 835 that says, to the cent, what the night has decided. edi.md 6 and 7."""

import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from backoffice.runs.control import undo_run
from backoffice.runs.faults import OutOfBalance
from backoffice.runs.models import Run, RunStatus, StepState
from claims.edi.adjudication import adjudicated
from claims.edi.claims import Claim
from claims.edi.envelope import Transaction, transactions
from claims.edi.findings import Findings
from claims.edi.remittance import PaidClaim, Payment, PaymentEnd
from claims.edi.status import State
from claims.models import AdjudicatedClaim, ControlNumber, ReceivedClaim, Remittance, RemittanceDocument, StepSetting
from claims.pipeline import documents, files
from claims.pipeline.restage import release
from regions.models import Region
from tests.claims.folders import (
    RUN_DATE,
    line,
    night_of,
    payer,
    read_folder,
    run_night,
    small_world,
    staged,
)
from tests.claims.sent import claims, region_that_pays, written
from tests.claims.sent import staged as staged_837
from tests.claims.undisturbed import forget_the_worker
from tests.edi import made, oracle, oracle_835
from tests.edi.oracle_835 import of_kind
from tests.edi.written import all_said
from tests.processes import Processes
from tests.running import go_on

pytestmark = pytest.mark.django_db(transaction=True)

SAVE = "claims.pipeline.files:save_bytes"


def paid_night(folder: Path, some: list[Claim]) -> Run:
    region = region_that_pays(folder)
    staged_837(folder, region, written(some))
    run = run_night(region, frequency=40)
    assert run.status == RunStatus.COMPLETE, run.detail
    return run


def standing(region: Region | None) -> list[RemittanceDocument]:
    return list(RemittanceDocument.objects.filter(region=region, voided_at=None).order_by("number"))


def contents(region: Region | None) -> list[bytes]:
    return [documents.content_of(document) for document in standing(region)]


def answers(region: Region | None) -> list[PaidClaim]:
    return [claim for content in contents(region) for claim in of_kind(PaidClaim, all_said(content)[0])]


def decided(run: Run) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    """Charge, paid and the patient's share by CLM01, from the adjudicated lines."""
    accounts = dict(ReceivedClaim.objects.filter(region=run.region).values_list("claim_id", "account"))
    found: dict[str, Counter[str]] = {}
    for each in AdjudicatedClaim.objects.all():
        shares = each.copay + each.deductible + each.coinsurance
        found.setdefault(accounts[each.claim_id], Counter()).update(
            billed=each.billed, paid=each.paid, share=shares, lines=1
        )
    return {
        account: (dollars(sums["billed"]), dollars(sums["paid"]), dollars(sums["share"]))
        for account, sums in found.items()
    }


def dollars(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def test_each_claim_gets_back_what_was_decided_to_the_cent(tmp_path: Path) -> None:
    some = claims(60)
    run = paid_night(tmp_path, some)
    right, found = decided(run), {}
    for claim in answers(run.region):
        sums = adjudicated(claim)
        found[claim.account] = (claim.charge, sums.paid, sums.share)
    assert found == right
    assert len(found) > 40
    states = {adjudicated(claim).state for claim in answers(run.region)}
    assert states >= {State.DENIED, State.PATIENT_SHARE}
    assert states & {State.PAID, State.PARTLY_PAID}


@pytest.mark.slow
def test_each_line_comes_back_under_its_control_number(tmp_path: Path) -> None:
    """edi.md 6.4: REF 6R is what a payment is posted by; SVC and DTM say what was sent."""
    some = claims(30)
    run = paid_night(tmp_path, some)
    sent = {
        (claim.control, line.control): (line.procedure, list(line.modifiers), line.charge, line.begins)
        for claim in some
        for line in claim.lines
    }
    found = {
        (claim.account, line.reference): (line.procedure, line.modifiers, line.charge, line.first_day)
        for claim in answers(run.region)
        for line in claim.lines
    }
    assert found == {key: sent[key] for key in found}
    assert {key[0] for key in found} == set(decided(run))


@pytest.mark.slow
def test_two_oracles_find_nothing_wrong(tmp_path: Path) -> None:
    run = paid_night(tmp_path, claims(24))
    for content in contents(run.region):
        oracle_835.compare(content)
    assert oracle.faults(contents(run.region)[0]) == []


@pytest.mark.slow
def test_it_goes_back_the_way_the_claims_came(tmp_path: Path) -> None:
    """Sender and receiver change places, and a test stays a test; each payer pays for itself."""
    run = paid_night(tmp_path, claims(24))
    for document, content in zip(standing(run.region), contents(run.region), strict=True):
        (found,) = envelopes(content)
        assert (found.sender, found.receiver, found.usage) == ("330897513", "NIGHTWARD", "T")
        assert (found.group_sender, found.group_receiver, found.kind) == ("OA", "NIGHTWARD", "835")
        assert int(found.interchange) == document.number
        (head,) = of_kind(Payment, all_said(content)[0])
        assert (head.trace, head.originator) == (document.trace, document.originator)
        assert (head.payee_id, head.payer_id) == (document.provider_npi, document.payer_id)
        assert (head.produced_on, head.total) == (RUN_DATE, dollars(document.paid))
    assert {document.payer_id for document in standing(run.region)} == set(made.PAYERS)


def envelopes(content: bytes) -> list[Transaction]:
    return list(transactions(content, Findings()))


def test_patients_are_named_and_stand_in_no_column(tmp_path: Path) -> None:
    some = claims(8)
    run = paid_night(tmp_path, some)
    names = {party.last for claim in answers(run.region) for party in claim.parties if party.role == "QC"}
    assert names & {"SILVA", "O'BRIEN", "NG", "MUNOZ-GARCIA", "VAN DYKE", "STRASSE", "DE LA CRUZ", "ASE", "SMITH JONES"}
    stored = str(list(ReceivedClaim.objects.values()))
    assert not any(name in stored for name in names)


@pytest.mark.slow
def test_documents_come_to_the_remittances(tmp_path: Path) -> None:
    """S2-23: header = sum of lines = what the remittances say."""
    run = paid_night(tmp_path, claims(40))
    for header in Remittance.objects.filter(night=night_of(run)):
        those = [each for each in standing(run.region) if each.provider_npi == header.provider_npi]
        for name in ("claims", "lines", "billed", "paid"):
            assert sum(getattr(each, name) for each in those) == getattr(header, name)
    outputs = StepState.objects.get(chain=run.chain, name="remit").outputs
    assert outputs["documents"] == {"count": len(standing(run.region))}
    for document, content in zip(standing(run.region), contents(run.region), strict=True):
        (end,) = of_kind(PaymentEnd, all_said(content)[0])
        assert (end.claims, end.lines, end.postable) == (document.claims, document.lines, True)
        assert (document.sha256, document.size) == (sha256(content).hexdigest(), len(content))


def test_a_night_without_837ps_has_no_document(tmp_path: Path) -> None:
    run = run_night(staged(tmp_path, small_world()))
    assert run.status == RunStatus.COMPLETE
    assert standing(run.region) == []
    assert set(StepState.objects.get(chain=run.chain, name="remit").outputs) == {"remittance"}


@pytest.mark.slow
def test_claims_of_a_folder_and_of_837ps_share_a_night(tmp_path: Path) -> None:
    region = region_that_pays(tmp_path / "tables")
    lines = [line(member_id="W00000001", provider_npi="1234567802", procedure_code="99213")]
    staged(tmp_path / "lines", {"claim_lines": lines}, region)
    staged_837(tmp_path, region, written(claims(12)))
    run = run_night(region)
    assert run.status == RunStatus.COMPLETE, run.detail
    assert "C1" not in {claim.account for claim in answers(region)}
    assert AdjudicatedClaim.objects.filter(claim_id="C1").exists()


def test_a_payer_may_pay_what_did_not_come_as_837p_as_well(tmp_path: Path) -> None:
    lines = [line(f"C{number}", at, billed=f"{number}{at}0.00") for number in (1, 2) for at in (1, 2)]
    world = small_world(claim_lines=lines, remittance_payers=[payer(for_all="true")])
    run = run_night(staged(tmp_path, world))
    assert run.status == RunStatus.COMPLETE, run.detail
    assert [(each.account, len(each.lines), each.parties[0].id) for each in answers(run.region)] == [
        ("C1", 2, "M"), ("C2", 2, "M"),
    ]  # fmt: skip


def test_a_night_whose_835_cannot_be_written_names_the_claim_and_goes_on_once_none_is_asked_for(tmp_path: Path) -> None:
    """It was loaded before the region wrote 835s for every claim."""
    region = staged(tmp_path, small_world(claim_lines=[line("A1"), line("B*1", service_date="2024-01-09")]))
    staged(tmp_path / "all", {"remittance_payers": [payer(for_all="true")]}, region)
    run = run_night(region)
    assert run.status == RunStatus.FAILED
    assert "The 835 of P cannot be written. Claim 'B*1': The claim's control number (CLP01)" in run.detail
    assert "load remittance_payers.csv without for_all and restart" in run.detail
    staged(tmp_path / "none", {"remittance_payers": [payer()]}, region)
    again = go_on(run)
    assert again.status == RunStatus.COMPLETE, again.detail


@pytest.fixture
def killed(processes: Processes) -> Callable[..., None]:
    """The region's night, dead at the point; its heartbeat is old."""

    def kill(region: Region, *point: str) -> None:
        StepSetting.objects.update(commit_frequency=40)
        child = processes.start(sys.executable, "-m", "tests.claims.dying", region.name, "1", *point)
        assert child.ends(within=120) == -signal.SIGKILL, child.output
        forget_the_worker()

    return kill


def told_apart(region: Region | None) -> list[tuple[Any, ...]]:
    """Everything of the documents, but for the region's own name."""
    return [
        (each.provider_npi, each.number, each.trace, each.sha256, each.name.rpartition("/")[2], each.paid)
        for each in standing(region)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("point", [pytest.param((SAVE, "before"), marks=pytest.mark.slow), (SAVE, "after")])
def test_killed_between_two_providers_it_comes_to_the_same_bytes(
    killed: Callable[..., None], tmp_path: Path, point: tuple[str, str]
) -> None:
    """S2-24: by what is committed, numbers and names included."""
    region = region_that_pays(tmp_path)
    staged_837(tmp_path, region, written(claims(24)))
    killed(region, *point, "3", "remittances-835")
    assert len(standing(region)) == 2
    run = run_night(region, frequency=40)
    assert run.status == RunStatus.COMPLETE, run.detail
    found = told_apart(region)
    undo_run(run)
    assert standing(region) == []
    RemittanceDocument.objects.all().delete()
    forget_numbers()
    again = run_night(region, frequency=40)
    assert again.status == RunStatus.COMPLETE, again.detail
    assert told_apart(region) == found
    assert set(files.listed(night_of(again), documents.FOLDER)) == {each.name for each in standing(region)}


def forget_numbers() -> None:
    ControlNumber.objects.exclude(name__startswith="claims").delete()


@pytest.mark.slow
def test_documents_of_an_undone_night_are_void_and_their_traces_are_not_used_again(tmp_path: Path) -> None:
    run = paid_night(tmp_path, claims(12))
    before = standing(run.region)
    undo_run(run)
    assert standing(run.region) == []
    again = run_night(night_of(run).region, frequency=40)
    assert again.status == RunStatus.COMPLETE, again.detail
    after = standing(run.region)
    assert [(each.provider_npi, each.payer_id, each.paid) for each in after] == [
        (each.provider_npi, each.payer_id, each.paid) for each in before
    ]
    assert not {(each.originator, each.trace) for each in before} & {(each.originator, each.trace) for each in after}
    assert not {each.number for each in before} & {each.number for each in after}
    assert [documents.content_of(each)[:3] for each in before] == [b"ISA"] * len(before)


def test_a_night_that_is_begun_again_from_its_last_step_writes_its_documents_anew(tmp_path: Path) -> None:
    run = paid_night(tmp_path, claims(12))
    before = {each.trace for each in standing(run.region)}
    again = go_on(run, from_step="remit")
    assert again.status == RunStatus.COMPLETE, again.detail
    assert len(standing(run.region)) == len(before)
    assert not before & {each.trace for each in standing(run.region)}


@pytest.mark.slow
def test_released_claims_are_answered_by_the_night_that_takes_them_at_last(tmp_path: Path) -> None:
    run = paid_night(tmp_path, claims(12))
    undo_run(run)
    region = night_of(run).region
    release(night_of(run))
    later = run_night(region, run_date=RUN_DATE.replace(day=16))
    assert later.status == RunStatus.COMPLETE, later.detail
    assert {claim.account for claim in answers(run.region)} == set(decided(later))


@pytest.mark.slow
def test_a_payer_that_has_gone_ends_the_night_with_a_line_that_says_so(tmp_path: Path) -> None:
    region = region_that_pays(tmp_path)
    staged_837(tmp_path, region, written(claims(12)))
    staged(tmp_path / "other", {"remittance_payers": [payer("OTHER")]}, region)
    run = run_night(region)
    assert run.status == RunStatus.FAILED
    assert "remittance_payers.csv" in run.detail
    names = [payer("60054"), payer("MCDCA"), payer("SB580")]
    staged(tmp_path / "again", {"remittance_payers": names}, region)
    assert go_on(run).status == RunStatus.COMPLETE


def test_a_file_that_was_changed_is_not_handed_out(tmp_path: Path) -> None:
    run = paid_night(tmp_path, claims(4))
    (document, *_) = standing(run.region)
    Path(files.storage().path(document.name)).write_bytes(b"ISA")
    with pytest.raises(OutOfBalance):
        documents.content_of(document)


@pytest.mark.slow
def test_the_export_has_them_and_refuses_a_folder_with_others(tmp_path: Path) -> None:
    run = paid_night(tmp_path, claims(12))
    arguments = ("--region", str(run.region), "--run-date", str(RUN_DATE), "--output", str(tmp_path / "night"))
    call_command("export_pipeline", *arguments)
    folder = tmp_path / "night" / "remittances-835"
    assert sorted(path.read_bytes() for path in folder.iterdir()) == sorted(contents(run.region))
    assert {oct(path.stat().st_mode & 0o777) for path in (folder, *folder.iterdir())} == {"0o600", "0o700"}
    assert read_folder(tmp_path / "night")["digests"]
    (folder / "other.835").write_bytes(b"")
    with pytest.raises(CommandError, match="another night"):
        call_command("export_pipeline", *arguments)


@pytest.mark.slow
def test_ten_thousand_claims_come_back_to_the_cent(tmp_path: Path) -> None:
    some = [replace(claim, control=f"B{number:09d}") for number, claim in enumerate(claims(10_000))]
    region = region_that_pays(tmp_path)
    assert staged_837(tmp_path, region, written(some)).claims == 10_000
    run = run_night(region)
    assert run.status == RunStatus.COMPLETE, run.detail
    found = {claim.account: (claim.charge, claim.paid, adjudicated(claim).share) for claim in answers(region)}
    assert found == decided(run)
    for content in contents(region):
        oracle_835.compare(content)
