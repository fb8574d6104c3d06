"""A claim once more: replaced, taken back, or made again."""

from pathlib import Path
from typing import Any

import pytest

from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run
from billing.content import claim_of
from billing.events import record
from billing.loading import load
from billing.making.versions import remade, replaced
from billing.models import Claim, ClaimEvent
from claims.edi.status import State
from regions.models import Region
from tests.billing.world import (
    PATIENT,
    PAYER,
    VISIT,
    claim_services,
    new_region,
    outcomes,
    reasons,
    service_write,
    write_folder,
)
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def region(tmp_path: Path) -> Region:
    return new_region(tmp_path)


def claimed(region: Region, state: State | None = None, **values: Any) -> Claim:
    """A validated claim over $85.45, of which an answer has said more."""
    service_write(region, ("V", 1, "85.45"))
    claim_services(region)
    claim = Claim.objects.latest("pk")
    if state:
        said(claim, state)
    Claim.objects.filter(pk=claim.pk).update(**values)
    claim.refresh_from_db()
    return claim


def said(claim: Claim, state: State) -> None:
    record([ClaimEvent(claim=claim, key=f"said {state}", state=state)])


def test_a_replacement_is_made_of_present_data_under_a_number_of_its_own(region: Region, tmp_path: Path) -> None:
    old = claimed(region, State.PARTLY_PAID, payer_claim="PAYER77")
    load(write_folder(tmp_path, {"charge_master": [VISIT | {"modifiers": "25"}]}), region)
    user = UserFactory.create()
    new = replaced(old, "7", user=user)
    content = claim_of(new.content)
    assert (new.replaces, new.version, new.state, new.write) == (old, 2, "draft", old.write)
    assert (content.frequency, content.original, content.control) == ("7", "PAYER77", new.control)
    assert new.control not in ("", old.control)
    assert {one.control for one in new.lines.all()}.isdisjoint(one.control for one in old.lines.all())
    assert content.lines[0].modifiers == ("25",)
    assert new.events.get().made_by == user
    assert outcomes(claim_services(region)) == {"validated": 1}


def test_a_void_repeats_what_it_takes_back_whatever_the_data_say_now(region: Region, tmp_path: Path) -> None:
    old = claimed(region, State.PAID, payer_claim="PAYER77")
    load(write_folder(tmp_path, {"charge_master": [VISIT | {"modifiers": "25"}]}), region)
    new = replaced(old, "8")
    claim_services(region)
    new.refresh_from_db()
    assert (new.state, claim_of(new.content).frequency) == ("validated", "8")
    assert claim_of(new.content).lines[0].modifiers == ()
    assert str(new.charge) == "85.45"


def test_a_service_that_was_taken_back_may_be_claimed_by_another(region: Region) -> None:
    old = claimed(region, State.PAID, payer_claim="PAYER77")
    again = service_write(region, ("V", 1, "85.45"), start=old.write.start if old.write else None)
    claim_services(region)
    twice = Claim.objects.get(write=again)
    assert reasons(twice) == {"duplicate_service"}
    void = replaced(old, "8")
    claim_services(region)
    assert reasons(twice) == {"duplicate_service"}  # until the payer has accepted it
    said(void, State.ACCEPTED_BY_PAYER)
    claim_services(region)
    twice.refresh_from_db()
    assert twice.state == "validated"


@pytest.mark.parametrize("state", [State.REJECTED_BY_CLEARINGHOUSE, State.REJECTED_BY_PAYER, State.FILE_FAILED])
def test_a_claim_that_came_to_nothing_is_made_again_as_a_version_of_its_own(
    region: Region, tmp_path: Path, state: State
) -> None:
    old = claimed(region, state)
    load(write_folder(tmp_path, {"patients": [PATIENT | {"member_id": "M200"}]}), region)
    new = remade(old)
    content = claim_of(new.content)
    assert (new.version, new.replaces, content.frequency, content.original) == (2, old, "1", "")
    assert content.subscriber.member_id == "M200"
    assert outcomes(claim_services(region)) == {"validated": 1}  # the rejected one does not stand in its way
    said(new, state)
    assert remade(new).version == 3


def test_a_refused_draft_is_made_again_as_the_row_it_is(tmp_path: Path) -> None:
    region = new_region(tmp_path, payers=[PAYER | {"enrolled": "false"}])
    claim = claimed(region)
    assert reasons(claim) == {"payer"}
    load(write_folder(tmp_path, {"payers": [PAYER | {"name": "New Name"}]}), region)
    again = remade(claim)
    assert (again.pk, again.state, again.refused, again.control) == (claim.pk, "validated", [], claim.control)
    assert claim_of(again.content).payer.name == "New Name"


def test_a_draft_is_not_judged_beside_a_run_that_judges(tmp_path: Path) -> None:
    """Two that judge two drafts of one service at once could let both pass."""
    region = new_region(tmp_path, payers=[PAYER | {"enrolled": "false"}])
    claim = claimed(region)
    Run.objects.filter(job="claim_services").update(status="running")
    with pytest.raises(Misuse, match="judges the region's claims now: try again"):
        remade(claim)


def test_a_replacement_that_was_rejected_stays_a_replacement(region: Region) -> None:
    new = replaced(claimed(region, State.PAID, payer_claim="PAYER77"), "7")
    claim_services(region)
    said(new, State.REJECTED_BY_PAYER)
    content = claim_of(remade(new).content)
    assert (content.frequency, content.original) == ("7", "PAYER77")


def test_what_cannot_be_replaced_or_made_again_is_refused_with_what_to_do(region: Region, tmp_path: Path) -> None:
    claim = claimed(region)
    with pytest.raises(Misuse, match=r"replaced \(7\) or taken back \(8\)"):
        replaced(claim, "6")
    with pytest.raises(Misuse, match=r"The payer has not taken this claim .*: make it again"):
        replaced(claim_rejected(region), "7")
    said(claim, State.ACCEPTED_BY_PAYER)
    with pytest.raises(Misuse, match="not known yet: wait"):
        replaced(claim, "7")
    with pytest.raises(Misuse, match="this one is accepted by payer"):
        remade(claim)
    Claim.objects.filter(pk=claim.pk).update(payer_claim="X1")
    replaced(claim, "7")
    with pytest.raises(Misuse, match="later version already"):
        replaced(claim, "8")
    gone = claim_rejected(region)
    load(write_folder(tmp_path, {"patients": [PATIENT | {"patient_id": "P9"}]}), region)
    with pytest.raises(Misuse, match="lacks now: patient"):
        remade(gone)


def claim_rejected(region: Region) -> Claim:
    return claimed(region, State.REJECTED_BY_CLEARINGHOUSE)
