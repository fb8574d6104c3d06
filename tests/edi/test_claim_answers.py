"""277CA: rejections on three levels, decided by category. edi.md 6.3; S3-10."""

from decimal import Decimal

import pytest

from claims.edi.read_277ca import Sent, StatusAnswer, pushed_down
from claims.edi.status import State, of_categories, of_category
from tests.edi.written import CLAIM_ANSWERS, all_said, codes, set_of

HEAD = CLAIM_ANSWERS[:6]
SENT = [
    Sent(account="A1", batch="BATCH1", provider="1245319599"),
    Sent(account="A2", batch="BATCH1", provider="1245319599"),
    Sent(account="B1", batch="BATCH1", provider="", tax_id="123456789"),
    Sent(account="C1", batch="BATCH2", provider="1245319599"),
]


def answers(*segments: str) -> list[StatusAnswer]:
    said, findings = all_said(set_of("277", *segments))
    assert codes(findings) == []
    return [each for each in said if isinstance(each, StatusAnswer)]


def outcomes(*segments: str) -> dict[str, State | None]:
    return {
        answer.account: of_categories([status.category for status in answer.all_statuses], answer.source)
        for answer in pushed_down(answers(*segments), SENT)
    }


def test_each_level_says_whom_it_is_about() -> None:
    batch, first, second = answers(*CLAIM_ANSWERS)
    assert (batch.level, batch.source, batch.batch) == ("batch", "AY", "BATCH1")
    assert (batch.accepted, batch.rejected) == (1, 1)
    assert (batch.accepted_amount, batch.rejected_amount) == (Decimal(200), Decimal(100))
    assert (batch.counted, batch.summed, batch.charge) == (True, True, Decimal(300))
    assert (first.level, first.batch, first.provider, first.account) == ("claim", "BATCH1", "1245319599", "A1")
    assert (first.payer_claim, first.clearinghouse_claim) == ("PAYER1", "OA1")
    assert [(each.category, each.code, each.entity) for each in first.statuses] == [("A2", "20", "PR")]
    assert [line.reference for line in second.lines] == ["L1"]


def test_totals_that_are_not_given_are_told_from_nothing() -> None:
    (batch,) = answers(*HEAD, "TRN*2*BATCH1", "STC*A1:19*20260105*WQ", "AMT*YY*0")
    assert (batch.counted, batch.summed, batch.charge) == (False, True, None)
    provider = ("HL*3*2*19*0", "NM1*85*2*CLINIC*****XX*1245319599", "TRN*1*0", "STC*A1:19**WQ*300", "QTY*QC*2")
    _, of_provider = answers(*HEAD, "TRN*2*BATCH1", "STC*A1:19*20260105*WQ", *provider)
    assert (of_provider.counted, of_provider.rejected, of_provider.charge) == (True, 2, Decimal(300))


def test_a_rejected_line_rejects_its_claim_and_the_action_code_decides_nothing() -> None:
    """A2 for the claim, A7:562:85 for its line, and WQ, which means accepted, on both."""
    assert outcomes(*CLAIM_ANSWERS) == {
        "A1": State.ACCEPTED_BY_CLEARINGHOUSE,
        "A2": State.REJECTED_BY_CLEARINGHOUSE,
    }


def test_a_rejected_batch_without_claims_rejects_all_claims_of_that_batch() -> None:
    found = outcomes(*HEAD, "TRN*2*BATCH1", "STC*A3:24:41*20260105*U*300", "QTY*AA*3")
    assert found == dict.fromkeys(("A1", "A2", "B1"), State.REJECTED_BY_CLEARINGHOUSE)


def test_a_rejected_provider_rejects_the_claims_of_that_provider_in_that_batch() -> None:
    provider = ("HL*3*2*19*0", "NM1*85*2*CLINIC*****XX*1245319599", "TRN*1*0", "STC*A7:562:85*20260105*WQ*200")
    found = outcomes(*HEAD, "TRN*2*BATCH1", "STC*A1:19:PR*20260105*WQ*300", *provider)
    assert found == dict.fromkeys(("A1", "A2"), State.REJECTED_BY_CLEARINGHOUSE)


def test_a_provider_without_npi_is_known_by_its_tax_id() -> None:
    provider = ("HL*3*2*19*0", "NM1*85*2*CLINIC", "TRN*1*0", "STC*A7:562:85*20260105*U*40", "REF*TJ*123456789")
    assert list(outcomes(*HEAD, "TRN*2*BATCH1", "STC*A1:19", *provider)) == ["B1"]


def test_a_claim_with_an_answer_of_its_own_keeps_it_when_its_batch_is_rejected() -> None:
    head = [segment.replace("STC*A1:19:PR*20260105*WQ", "STC*A8:24:41*20260105*U") for segment in CLAIM_ANSWERS]
    found = outcomes(*head)
    assert found["A1"] == State.ACCEPTED_BY_CLEARINGHOUSE
    assert found["B1"] == State.REJECTED_BY_CLEARINGHOUSE
    assert "C1" not in found


def test_the_receipt_of_a_batch_says_nothing_of_its_claims() -> None:
    assert outcomes(*HEAD, "TRN*2*BATCH1", "STC*A1:19:PR*20260105*WQ*300") == {}


def test_any_of_the_three_statuses_of_a_segment_may_reject() -> None:
    (answer,) = answers(*HEAD, "HL*3*2*PT", "TRN*2*A1", "STC*A2:20*20260105*WQ*200******A6:21:IL")
    assert [each.category for each in answer.statuses] == ["A2", "A6"]
    assert answer.is_rejection


def test_several_claims_may_stand_in_one_patients_loop() -> None:
    loop = ("HL*3*2*PT", "NM1*QC*1*DOE*JANE", "TRN*2*A1", "STC*A2:20", "TRN*2*A2", "STC*A3:21")
    assert [(each.account, each.is_rejection) for each in answers(*HEAD, *loop)] == [("A1", False), ("A2", True)]


@pytest.mark.parametrize(
    ("category", "by_clearinghouse", "by_payer"),
    [
        ("A0", State.IN_TRANSIT, State.IN_TRANSIT),
        ("A1", State.RECEIVED, State.RECEIVED),
        ("A2", State.ACCEPTED_BY_CLEARINGHOUSE, State.ACCEPTED_BY_PAYER),
        ("A3", State.REJECTED_BY_CLEARINGHOUSE, State.REJECTED_BY_PAYER),
        ("A4", State.REJECTED_BY_CLEARINGHOUSE, State.REJECTED_BY_PAYER),
        ("A5", State.ACCEPTED_BY_CLEARINGHOUSE, State.ACCEPTED_BY_PAYER),
        ("A6", State.REJECTED_BY_CLEARINGHOUSE, State.REJECTED_BY_PAYER),
        ("A7", State.REJECTED_BY_CLEARINGHOUSE, State.REJECTED_BY_PAYER),
        ("A8", State.REJECTED_BY_CLEARINGHOUSE, State.REJECTED_BY_PAYER),
        ("P3", State.PENDING, State.PENDING),
        ("R4", State.INFORMATION_REQUESTED, State.INFORMATION_REQUESTED),
        ("F2", State.FINALISED, State.FINALISED),
        ("E0", None, None),
        ("D0", None, None),
        ("", None, None),
    ],
)
def test_a_category_is_a_state(category: str, by_clearinghouse: State | None, by_payer: State | None) -> None:
    """edi.md 6.3. F says that the 835 will say it; E and D0 are about the exchange, not about the claim."""
    assert of_category(category, "AY") == by_clearinghouse
    assert of_category(category, "PR") == by_payer


def test_a_claim_without_status_or_number_is_reported() -> None:
    findings = all_said(set_of("277", *HEAD, "HL*3*2*PT", "TRN*2*A1", "HL*4*2*PT", "STC*A2:20"))[1]
    assert codes(findings) == ["status", "no-key"]
    findings = all_said(set_of("277", *HEAD, "HL*3*2*PT", "TRN*2*A1", "STC*", "SVC*HC:1", "STC*A2"))[1]
    assert codes(findings) == ["status"]
