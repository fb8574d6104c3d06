"""What the clearinghouse and the payers answer moves the claims that it names. edi.md 6; S3-10, X-18."""

import pytest

from backoffice.runs.models import RunStatus
from backoffice.runs.report import run_report
from billing.models import Answer, Batch, Claim, ClaimEvent, ClaimLine, Document, Payment
from claims.edi.status import State
from regions.models import Region
from tests.billing.answered import (
    HOUSE,
    arrive,
    denied,
    everything,
    paid,
    payment,
    process,
    remittance,
    reversed_,
    send,
    states,
    status,
    syntax,
    ta1,
)  # fmt: skip
from tests.edi.written import file_of, st
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_999_says_received_of_each_set_or_fails_it(region: Region) -> None:
    """Partly accepted: every AK2 is looked at."""
    batch = send(region, ["A1", "A2"], ["B1"])
    arrive(region, syntax("A", "R"))
    run = process(region)
    assert run.status == RunStatus.COMPLETE, run.detail
    assert states(region) == {"A1": State.RECEIVED, "A2": State.RECEIVED, "B1": State.FILE_FAILED}
    batch.refresh_from_db()
    assert batch.acknowledged_at is not None
    assert list(batch.sets.values_list("number", "acknowledged")) == [("0001", "A"), ("0002", "R")]
    event = ClaimEvent.objects.get(claim__control="B1", code="R")
    assert event.says == "Segments have errors."
    assert run_report(run)["outcomes"] == {"applied": 1}
    assert run_report(run)["totals"] == {"claims": 3, "unmatched_answers": 0}


def test_a_rejected_group_fails_all_its_sets(region: Region) -> None:
    send(region, ["A1"], ["B1"])
    arrive(region, syntax("A", "R", whole="R"))
    process(region)
    assert set(states(region).values()) == {State.FILE_FAILED}


def test_a_ta1_is_of_the_whole_file(region: Region) -> None:
    send(region, ["A1"], ["B1"])
    arrive(region, ta1("R", note="024"))
    process(region)
    assert set(states(region).values()) == {State.FILE_FAILED}
    assert "not valid" in ClaimEvent.objects.filter(claim__control="A1").latest("id").says


@pytest.mark.parametrize("first", [True, False])
def test_a_second_copy_that_is_refused_does_not_fail_the_first(region: Region, first: bool) -> None:
    """Else a person makes claims again that the clearinghouse has, and they are sent twice [X-18]."""
    send(region, ["A1"], ["B1"])
    answers = [syntax("A", "A"), ta1("R", note="025")]
    for answer in answers if first else reversed(answers):
        arrive(region, answer)
        process(region)
    assert set(states(region).values()) == {State.RECEIVED}
    assert ClaimEvent.objects.get(claim__control="A1", code="R 025").says.endswith("used before (ISA13).")


def test_an_acknowledgement_shows_that_an_unconfirmed_file_arrived(region: Region) -> None:
    batch = send(region, ["A1"], state=Batch.State.UNCONFIRMED)
    arrive(region, syntax("A"))
    process(region)
    batch.refresh_from_db()
    assert batch.state == Batch.State.UPLOADED


def test_claims_that_the_answer_does_not_name_are_uploaded_with_their_batch(region: Region) -> None:
    """Else they would stay batched, in a file that arrived, and no clock would ever name them."""
    send(region, ["A1", "A2"], state=Batch.State.UNCONFIRMED)
    ClaimEvent.objects.all().delete()
    Claim.objects.update(state=State.BATCHED)
    arrive(region, status("B905-1", [("A1", "A2:20:PR")]))
    process(region)
    assert states(region) == {"A1": State.ACCEPTED_BY_CLEARINGHOUSE, "A2": State.UPLOADED}


def test_a_277ca_speaks_of_claims_and_the_payers_number_is_kept(region: Region) -> None:
    batch = send(region, ["A1", "A2", "A3"])
    arrive(region, status("B905-1", [("A1", "A2:20:PR"), ("A2", "A7:562:85")]))
    process(region)
    assert states(region) == {
        "A1": State.ACCEPTED_BY_CLEARINGHOUSE,
        "A2": State.REJECTED_BY_CLEARINGHOUSE,
        "A3": State.UPLOADED,
    }
    assert Claim.objects.get(control="A1").payer_claim == "ICNA1"
    batch.refresh_from_db()
    assert batch.answered_at is not None
    arrive(region, status("B905-1", [("A1", "A2:20:PR")], source="PR"))
    process(region)
    assert states(region)["A1"] == State.ACCEPTED_BY_PAYER


def test_a_rejected_batch_is_told_to_each_of_its_claims(region: Region) -> None:
    send(region, ["A1", "A2"], ["B1"])
    arrive(region, status("B905-1", head="A3:24:41"))
    process(region)
    assert states(region) == {
        "A1": State.REJECTED_BY_CLEARINGHOUSE,
        "A2": State.REJECTED_BY_CLEARINGHOUSE,
        "B1": State.UPLOADED,
    }
    assert not Answer.objects.exists()


def test_an_835_pays_denies_and_keeps_what_the_payer_says(region: Region) -> None:
    send(region, ["A1", "A2"])
    arrive(region, payment("T1", paid("A1"), denied("A2"), total=130))
    run = process(region)
    assert states(region) == {"A1": State.PAID, "A2": State.DENIED}
    claim = Claim.objects.get(control="A1")
    assert (claim.paid, claim.share, claim.payer_claim) == (130, 20, "ICNA1")
    assert list(claim.lines.values_list("control", "paid")) == [("L1", 130), ("L2", 0)]
    event = claim.events.latest("id")
    assert event.detail["lines"][0]["adjustments"] == [["PR", "1", "20", None]]
    row = Payment.objects.get()
    assert (row.state, row.total, row.paid, row.claims, row.unmatched) == ("posted", 130, 130, 2, 0)
    assert run_report(run)["money"] == {"paid": "130"}
    document = Document.objects.get(direction="received")
    assert document.state == Document.State.READ
    assert document.envelopes == [["000000905", "905", "835", "0001"]]
    assert document.said == {"applied": 1, "claims": 2, "unmatched_answers": 0}


def test_a_reversal_is_the_one_step_back_and_what_corrects_it_stands(region: Region) -> None:
    """edi.md 6.4 and 6.6."""
    send(region, ["A1"])
    arrive(region, payment("T1", paid("A1"), total=130))
    process(region)
    arrive(region, payment("T2", reversed_("A1"), total=0, day="20260201"))  # parked: negative payments have an FB
    process(region)
    assert states(region) == {"A1": State.PAID}
    assert Payment.objects.get(trace="T2").state == Payment.State.PARKED
    forward = [*remittance("T3", reversed_("A1"), total=0, day="20260201"), "PLB*1*20261231*FB:T3*-130"]
    arrive(region, file_of("835", st("835", *forward)))
    process(region)
    claim = Claim.objects.get()
    assert (claim.state, claim.paid, claim.corrected) == (State.REVERSED, 0, False)
    assert list(claim.lines.values_list("paid", flat=True)) == [0, 0]
    arrive(region, payment("T4", paid("A1"), total=130, day="20260301"))
    process(region)
    claim.refresh_from_db()
    assert (claim.state, claim.paid, claim.corrected) == (State.PAID, 130, True)


def test_a_late_answer_does_not_step_back(region: Region) -> None:
    send(region, ["A1"])
    arrive(region, payment("T1", paid("A1"), total=130))
    process(region)
    arrive(region, status("B905-1", [("A1", "A7:562:85")]))
    arrive(region, syntax("R"))
    process(region)
    assert states(region) == {"A1": State.PAID}
    assert Claim.objects.get().events.count() == 4


def test_a_payment_of_two_regions_moves_the_claims_of_the_one_whose_mailbox_it_lay_in(region: Region) -> None:
    south = RegionFactory.create(name="south", clearinghouse=HOUSE)
    send(region, ["A1"])
    send(south, ["A1", "Z1"])
    before = everything(south)
    arrive(region, payment("T1", paid("A1"), paid("Z1"), total=260))
    process(region)
    assert states(region) == {"A1": State.PAID}
    assert everything(south) == before
    assert list(Answer.objects.values_list("region", "kind", "reference", "amount")) == [(region.pk, "835", "Z1", 130)]
    assert Payment.objects.get().unmatched == 1


def test_what_is_addressed_to_others_is_kept_with_a_finding(region: Region) -> None:
    region.clearinghouse = {"sender": "SOMEBODY"}
    region.save()
    send(region, ["A1"])
    arrive(region, status("UNKNOWN", [("Z1", "A2:20:PR")]))
    run = process(region)
    assert run_report(run)["outcomes"] == {"not_ours": 1}
    assert not Answer.objects.exists()
    document = Document.objects.get(direction="received")
    assert document.state == Document.State.PARTLY
    assert ["segment 3", "other-receiver"] in document.findings


def test_what_names_our_claims_is_applied_though_it_is_addressed_to_others(region: Region) -> None:
    """Payers put the clearinghouse's or the provider's id there."""
    region.clearinghouse = {"sender": "SOMEBODY"}
    region.save()
    send(region, ["A1"])
    arrive(region, payment("T1", paid("A1"), total=130))
    process(region)
    assert states(region) == {"A1": State.PAID}
    assert ["segment 3", "other-receiver"] in Document.objects.get(direction="received").findings


def test_an_unknown_number_is_kept_for_a_person_whatever_answers_it(region: Region) -> None:
    arrive(region, syntax("A", number=77))
    arrive(region, ta1("A", number=77))
    arrive(region, status("UNKNOWN", [("Q1", "A2:20:PR")]))
    arrive(region, payment("T1", paid("Q1"), total=130))
    process(region)
    assert sorted(Answer.objects.values_list("kind", "reference")) == [
        ("277", "Q1"), ("835", "Q1"), ("999", "77"), ("TA1", "000000077"),
    ]  # fmt: skip
    assert ClaimLine.objects.count() == 0
