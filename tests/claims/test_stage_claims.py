"""stage_claims: what came as 837P waits for a night, each file whole or not at all, and once. edi.md 6 and 7."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run, RunStatus
from claims.edi.claims import Claim, Kind
from claims.models import ReceivedClaim, ReceivedSet, StagedBatch, StagedLine
from claims.pipeline.delivered import FolderRefused
from claims.pipeline.restage import discard
from claims.pipeline.stage import stage
from regions.models import Region
from tests.claims.folders import RUN_DATE, adjudicated_of, line, rejected_of, run_night, staged
from tests.claims.sent import claims, region_that_pays, written
from tests.claims.sent import staged as staged_837

pytestmark = pytest.mark.django_db(transaction=True)

Change = Callable[[Claim], Claim]


@pytest.fixture
def region(tmp_path: Path) -> Region:
    return region_that_pays(tmp_path / "tables")


def stored() -> dict[str, list[Any]]:
    """Every row of claims, by table."""
    return {
        model.__name__: list(model._default_manager.values().order_by("pk"))
        for model in apps.get_app_config("claims").get_models()
    }


def test_lines_wait_for_the_next_night_as_the_claims_have_them(tmp_path: Path, region: Region) -> None:
    some = claims(20)
    found = staged_837(tmp_path, region, written(some))
    sent = sorted(
        (
            claim.control, number, claim.subscriber.member_id, claim.billing.npi, line.begins.isoformat(),
            line.procedure, Decimal(line.quantity), Decimal(line.charge),
        )
        for claim in some
        for number, line in enumerate(claim.lines, 1)
    )  # fmt: skip
    accounts = dict(ReceivedClaim.objects.values_list("claim_id", "account"))
    assert sent == sorted(
        (
            accounts[each.claim_id], each.line_number, each.member_id, each.provider_npi, each.service_date,
            each.procedure_code, Decimal(each.units), Decimal(each.billed),
        )
        for each in StagedLine.objects.filter(batch=found.batch)
    )  # fmt: skip
    assert found.batch is not None
    assert (found.claims, found.lines, found.batch.run_date) == (20, len(sent), None)
    assert set(StagedLine.objects.values_list("received_date", flat=True)) == {RUN_DATE.isoformat()}


def test_claims_of_an_atypical_provider_are_staged_by_its_tax_id(tmp_path: Path, region: Region) -> None:
    """edi.md 5.4: no NPI; the 835 names the payee by FI."""
    some = [claim for claim in claims(60, Kind.NONMED) if not claim.billing.npi]
    staged_837(tmp_path, region, written(some))
    assert set(StagedLine.objects.values_list("provider_npi", flat=True)) == {"123456782"}


def test_units_that_are_no_whole_number_are_for_the_validation_to_reject(tmp_path: Path, region: Region) -> None:
    (claim,) = claims(1)
    claim = replace(claim, lines=tuple(replace(line, quantity=Decimal("2.5")) for line in claim.lines))
    staged_837(tmp_path, region, written([claim]))
    (found,) = rejected_of(run_night(region)).values()
    assert found == (1, "R05")


def test_the_same_file_twice_changes_nothing_and_says_so(
    tmp_path: Path, region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "837P_MED_1.txt"
    path.write_bytes(written(claims(5)))
    call_command("stage_claims", str(path), "--region", region.name)
    before = stored()
    capsys.readouterr()
    call_command("stage_claims", str(path), "--region", region.name)
    assert stored() == before
    assert capsys.readouterr().out == "837P_MED_1.txt has been staged before: nothing was changed.\n"


def test_a_claim_that_has_come_is_not_staged_again_in_another_file(
    tmp_path: Path, region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Known by its sender and CLM01."""
    some = claims(8)
    staged_837(tmp_path, region, written(some[:5]))
    path = tmp_path / "second.txt"
    path.write_bytes(written(some, control=2))
    call_command("stage_claims", str(path), "--region", region.name, "--json")
    (found,) = json.loads(capsys.readouterr().out)["files"]
    assert (found["outcome"], found["claims"], found["repeated_claims"]) == ("staged", 3, 5)
    assert all("segment" in problem for problem in found["problems"])
    assert ReceivedClaim.objects.count() == 8
    assert staged_837(tmp_path, region, written(some, control=3), "third.txt").batch is None
    assert (StagedBatch.objects.count(), ReceivedSet.objects.count()) == (2, 2)


def test_the_same_number_of_another_sender_is_another_claim(tmp_path: Path, region: Region) -> None:
    some = claims(3)
    staged_837(tmp_path, region, written(some))
    assert staged_837(tmp_path, region, written(some, sender="OTHER"), "other.txt").claims == 3
    assert ReceivedClaim.objects.values("claim_id").distinct().count() == 6


def test_regions_know_nothing_of_each_other(tmp_path: Path, region: Region) -> None:
    other = region_that_pays(tmp_path / "others")
    content = written(claims(3))
    assert staged_837(tmp_path, region, content).claims == staged_837(tmp_path, other, content).claims == 3


BAD: list[tuple[Change, str]] = [
    (lambda claim: replace(claim, payer=replace(claim.payer, payer_id="99999")), "payer that is not among"),
    (lambda claim: replace(claim, frequency="7", original="X12-1"), "no original"),
    (lambda claim: replace(claim, subscriber=replace(claim.subscriber, sequence="S")), "payer before this one"),
]


@pytest.mark.parametrize(("change", "why"), BAD)
def test_a_claim_that_cannot_be_adjudicated_is_named_by_its_segment_and_nothing_is_staged(
    tmp_path: Path, region: Region, change: Change, why: str
) -> None:
    first, bad, last = claims(3)
    before = stored()
    content = written([first, change(bad), last])
    with pytest.raises(FolderRefused) as refused:
        staged_837(tmp_path, region, content)
    assert stored() == before
    (problem,) = str(refused.value).splitlines()
    segment = next(n for n, text in enumerate(content.split(b"~"), 1) if f"CLM*{bad.control}".encode() in text)
    assert problem.startswith(f"837P_MED_1.txt segment {segment} (CLM): ")
    assert why in problem
    assert bad.subscriber.member_id not in problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"CLM*N000000002*", b"CLM*N000000002*9"), (b"SE*", b"SE*9"), (b"*005010X222A1~", b"*005010X223A2~"),
        (b"~\nIEA", b"~\nXXX"), (b"DTP*472*D8*2", b"DTP*472*D8*X"), (b"*UN*", b"*UN*X"),
        (b"REF*6R*L2", b"REF*6R*L1"), (b"CLM*N000000003*", b"CLM*N000000003:1*"),
    ],
)  # fmt: skip
def test_a_file_that_is_damaged_is_not_staged(tmp_path: Path, region: Region, old: bytes, new: bytes) -> None:
    before, content = stored(), written(claims(8))
    assert old in content
    with pytest.raises(FolderRefused):
        staged_837(tmp_path, region, content.replace(old, new))
    assert stored() == before


def test_what_is_no_837p_is_refused(tmp_path: Path, region: Region) -> None:
    for content in (b"", b"claim_id,line_number\n", written(claims(1)).replace(b"ST*837*", b"ST*835*")):
        with pytest.raises(FolderRefused):
            staged_837(tmp_path, region, content)
    with pytest.raises(Misuse, match="No such file"):
        stage(tmp_path / "missing.txt", region)


def test_of_a_folder_good_files_are_staged_and_bad_ones_listed(
    tmp_path: Path, region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "inbound"
    folder.mkdir()
    (folder / "a.txt").write_bytes(written(claims(3)))
    (folder / "b.txt").write_bytes(b"no claims")
    with pytest.raises(CommandError, match=r"^Of 1 file nothing was staged\.$") as refused:
        call_command("stage_claims", str(folder), "--region", region.name, "--json")
    assert refused.value.returncode == 2
    files = json.loads(capsys.readouterr().out)["files"]
    assert {each["file"]: each["outcome"] for each in files} == {"a.txt": "staged", "b.txt": "refused"}
    assert "b.txt" in files[1]["problems"][0]
    with pytest.raises(CommandError, match=r"^b\.txt (?s:.*)Of 1 file nothing was staged"):
        call_command("stage_claims", str(folder), "--region", region.name)
    assert StagedBatch.objects.count() == 1


@pytest.mark.slow
def test_claims_for_a_later_night_are_left_by_those_before(tmp_path: Path, region: Region) -> None:
    """--run-date: the first night that may take them."""
    later = RUN_DATE + timedelta(days=1)
    staged_837(tmp_path, region, written(claims(3)), on=later)
    with pytest.raises(Misuse, match="No claims are staged"):
        run_night(region)
    staged(tmp_path / "lines", {"claim_lines": [line()]}, region)
    assert set(claims_of(run_night(region))) <= {"C1"}
    assert run_night(region, run_date=later).status == RunStatus.COMPLETE
    assert StagedBatch.objects.filter(run_date=later).count() == 1


def claims_of(run: Run) -> set[str]:
    return {claim for claim, _ in adjudicated_of(run)} | set(rejected_of(run))


@pytest.mark.slow
def test_a_night_that_has_its_claims_takes_no_more(tmp_path: Path, region: Region) -> None:
    staged_837(tmp_path, region, written(claims(3)))
    run_night(region)
    with pytest.raises(Misuse, match="has its claims already"):
        staged_837(tmp_path, region, written(claims(3), control=2), "late.txt")


def test_without_a_date_they_wait_for_the_next_night_and_count_as_received_today(
    tmp_path: Path, region: Region
) -> None:
    path = tmp_path / "claims.txt"
    path.write_bytes(written(claims(2)))
    found = stage(path, region)
    assert found.batch is not None
    assert found.batch.not_before is None
    today: date = timezone.localdate(timezone=region.zone)
    assert set(StagedLine.objects.values_list("received_date", flat=True)) == {today.isoformat()}


def test_a_file_whose_name_is_no_utf8_holds_up_none_after_it(
    tmp_path: Path, region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    odd, wrong = (folder / os.fsdecode(name) for name in (b"\xe4.txt", b"\xe5.txt"))
    odd.write_bytes(written(claims(2)))
    wrong.write_bytes(b"ISA")
    (folder / "\N{FULLWIDTH LATIN SMALL LETTER Z}.txt").write_bytes(written(claims(3)[2:], control=2))
    with pytest.raises(CommandError, match="Of 1 file nothing was staged") as error:
        call_command("stage_claims", folder, region=region.name, json=True)
    assert error.value.returncode == 2
    outcomes = [each["outcome"] for each in json.loads(capsys.readouterr().out)["files"]]
    assert sorted(outcomes) == ["refused", "staged", "staged"]
    assert StagedBatch.objects.filter(source="\N{REPLACEMENT CHARACTER}.txt").exists()
    with pytest.raises(CommandError, match="\N{REPLACEMENT CHARACTER}: No such file"):
        call_command("stage_claims", tmp_path / os.fsdecode(b"\xff"), region=region.name)


def test_a_batch_that_is_discarded_may_come_again_under_new_numbers(tmp_path: Path, region: Region) -> None:
    found = staged_837(tmp_path, region, written(claims(2)))
    old = set(ReceivedClaim.objects.values_list("claim_id", flat=True))
    assert found.batch is not None
    discard(found.batch)
    assert (ReceivedClaim.objects.count(), ReceivedSet.objects.count(), StagedLine.objects.count()) == (0, 0, 0)
    assert staged_837(tmp_path, region, written(claims(2))).claims == 2
    assert not old & set(ReceivedClaim.objects.values_list("claim_id", flat=True))
