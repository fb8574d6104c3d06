"""What was validated is judged once more when it is sent: a payer may have gone meanwhile, or the time to file."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone

from backoffice.runs.models import Failure, Run, RunStatus
from backoffice.runs.report import run_report
from billing.admin.again import ACTIONS
from billing.admin.listed import refused
from billing.loading import load
from billing.making.versions import remade
from billing.models import Batch, BillingPayer, Claim
from claims.edi import claims as edi
from claims.edi.standing import service_key
from tests.billing.sending import Office, some_claims, submit, validated
from tests.billing.world import (
    PATIENT,
    PAYER,
    claim_services,
    outcomes,
    reasons,
    service_write,
    tables,
    write_folder,
)

pytestmark = pytest.mark.django_db(transaction=True)
GONE = PAYER | {"enrolled": "false"}


def counted(run: Run) -> dict[str, int]:
    return {word: count for word, count in run_report(run)["outcomes"].items() if count}


@pytest.fixture
def claim(office: Office, tmp_path: Path) -> Claim:
    """Of a service of ten days ago, validated."""
    load(write_folder(tmp_path / "billing", tables()), office.region)
    service_write(office.region, ("V", 1, "85.45"))
    assert outcomes(claim_services(office.region)) == {"claimed": 1, "validated": 1}
    return Claim.objects.get()


def load_payer(office: Office, folder: Path, payer: dict[str, str]) -> None:
    load(write_folder(folder / "billing", {"payers": [payer]}), office.region)


def test_a_claim_whose_payer_has_gone_is_refused_with_its_reason_and_the_others_go(office: Office) -> None:
    """edi.md 2: submit_claims validates, then batches."""
    rows = validated(office.region, some_claims(12, 0))
    gone = {row.pk for row in rows if row.payer_id == rows[0].payer_id}
    BillingPayer.objects.filter(payer_id=rows[0].payer_id).delete()
    run = submit(office.region)
    left = 12 - len(gone)
    assert (run.status, counted(run)) == (
        RunStatus.COMPLETE,
        {"refused": len(gone), "uploaded": left},
    )
    held = refused(Claim.objects.all())
    assert {row.pk for row in held} == gone
    assert all(row.state == "validated" and reasons(row) == {"payer"} for row in held)
    assert run.parts.get(step__name="batch").totals["refused_value"] == str(sum(row.charge for row in held))
    assert "payer" in held[0].events.latest("pk").code
    assert Batch.objects.get().claims == left
    assert not Failure.objects.exists()
    assert counted(submit(office.region)) == {}


def test_nothing_is_sent_where_all_are_refused(office: Office) -> None:
    validated(office.region, some_claims(3, 2))
    BillingPayer.objects.all().delete()
    assert counted(submit(office.region)) == {"refused": 5}
    assert (Batch.objects.count(), office.taken) == (0, {})


def test_a_claim_whose_time_to_file_has_ended_since_it_was_validated_is_refused(
    office: Office, claim: Claim, tmp_path: Path
) -> None:
    load_payer(office, tmp_path, PAYER | {"filing_days": "9"})
    assert counted(submit(office.region)) == {"refused": 1}
    assert reasons(claim) == {"filing_window"}


def test_a_claim_is_no_duplicate_of_itself_and_of_two_alike_the_first_one_goes(office: Office) -> None:
    one = next(each for each in some_claims(40, 0) if each.frequency == "1" and is_original(each))
    first, second = validated(office.region, [one, replace(one, control="SECOND1")])
    assert counted(submit(office.region)) == {"refused": 1, "uploaded": 1}
    assert (reasons(first), reasons(second)) == (set(), {"duplicate_service"})


def is_original(claim: edi.Claim) -> bool:
    """None of its services was done again on purpose."""
    return all(service_key(claim, line) for line in claim.lines)


@pytest.mark.parametrize("again", ["remade", "claim_services"])
def test_what_was_refused_is_made_again_of_present_data_and_goes_with_the_next_submission(
    office: Office, claim: Claim, tmp_path: Path, again: str
) -> None:
    load_payer(office, tmp_path, GONE)
    submit(office.region)
    assert reasons(claim) == {"payer"}
    assert ACTIONS["again"].open(claim)
    load_payer(office, tmp_path, PAYER)
    load(write_folder(tmp_path / "billing", {"patients": [PATIENT | {"member_id": "M200"}]}), office.region)
    if again == "remade":
        assert remade(claim).pk == claim.pk
    else:
        assert outcomes(claim_services(office.region)) == {"validated": 1}
    claim.refresh_from_db()
    assert (claim.state, claim.refused, claim.content["subscriber"]["member_id"]) == ("validated", [], "M200")
    assert counted(submit(office.region)) == {"uploaded": 1}


def test_what_is_refused_still_says_so_when_it_is_made_again(office: Office, claim: Claim, tmp_path: Path) -> None:
    load_payer(office, tmp_path, GONE)
    submit(office.region)
    assert remade(claim).refused
    assert outcomes(claim_services(office.region)) == {"refused": 1}
    assert counted(submit(office.region)) == {}


def test_a_refused_claim_stands_in_no_ones_way(office: Office, claim: Claim, tmp_path: Path) -> None:
    """Of two that are judged together the first one is let pass, whatever it was before."""
    load_payer(office, tmp_path, GONE)
    submit(office.region)
    start = claim.write.start if claim.write else timezone.now()
    service_write(office.region, ("V", 1, "85.45"), start=start)
    load_payer(office, tmp_path, PAYER)
    assert outcomes(claim_services(office.region)) == {"claimed": 1, "validated": 1, "refused": 1}
