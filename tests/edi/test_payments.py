"""835: what is read of a payment, and whether it balances. edi.md 6.4 and 6.5; S3-10."""

import tracemalloc
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from claims.edi.answers import read
from claims.edi.findings import Findings
from claims.edi.remittance import Difference, PaidClaim, Payment, PaymentEnd, ProviderAdjustment
from tests.edi.written import CLAIM_835, HEAD_835, PAYMENT, all_said, codes, file_of, set_of, st


def ends(data: bytes) -> list[PaymentEnd]:
    return [each for each in all_said(data)[0] if isinstance(each, PaymentEnd)]


def end_of(*segments: str) -> PaymentEnd:
    (end,) = ends(set_of("835", *segments))
    return end


def replaced(old: str, new: str, segments: Sequence[str] = (*HEAD_835, *CLAIM_835)) -> list[str]:
    assert any(old in segment for segment in segments)
    return [segment.replace(old, new) for segment in segments]


def test_a_payment_is_named_by_its_trace_and_its_payer_is_an_n1() -> None:
    payment = all_said(PAYMENT)[0][0]
    assert isinstance(payment, Payment)
    assert (payment.originator, payment.trace, payment.total) == ("1512345678", "TRACE1", Decimal(130))
    assert (payment.payer, payment.payer_id) == ("INSURANCE OF SOMEWHERE", "87726")
    assert (payment.payee, payment.payee_id) == ("CLINIC", "1245319599")
    assert (payment.method, payment.handling) == ("ACH", "I")
    assert (payment.paid_on, payment.produced_on) == (date(2026, 1, 5), date(2026, 1, 4))


def test_a_claim_keeps_what_the_payer_says_of_it_word_for_word() -> None:
    claim = all_said(PAYMENT)[0][1]
    assert isinstance(claim, PaidClaim)
    assert (claim.account, claim.code, claim.payer_claim) == ("A000000000001", "1", "PAYER1")
    assert (claim.charge, claim.paid, claim.share) == (Decimal(200), Decimal(130), Decimal(20))
    assert (claim.filing, claim.place, claim.frequency) == ("12", "11", "1")
    assert claim.remarks == ["MA01", "MA18"]
    first, second = claim.lines
    assert (first.qualifier, first.procedure, first.modifiers) == ("HC", "99213", ["25"])
    assert (first.units, first.reference, first.allowed) == (Decimal(1), "L1", Decimal(150))
    assert (first.first_day, first.last_day) == (date(2026, 1, 2), date(2026, 1, 2))
    assert (second.first_day, second.last_day) == (date(2026, 1, 2), date(2026, 1, 3))
    assert second.remarks == ["N130"]


def test_the_code_that_we_sent_is_kept_where_the_payer_changed_it() -> None:
    """SVC06, and SVC07 for the units."""
    claim = all_said(PAYMENT)[0][1]
    assert isinstance(claim, PaidClaim)
    assert (claim.lines[1].procedure, claim.lines[1].sent) == ("99214", "99215")
    assert (claim.lines[1].units, claim.lines[1].units_sent) == (Decimal(1), Decimal(2))


def test_adjustments_come_in_threes_and_may_lack_their_quantity() -> None:
    claim = all_said(PAYMENT)[0][1]
    assert isinstance(claim, PaidClaim)
    found = [(each.group, each.reason, each.amount, each.quantity) for each in claim.lines[1].adjustments]
    assert found == [
        ("CO", "45", Decimal(30), None),
        ("CO", "253", Decimal(10), None),
        ("CO", "97", Decimal(10), Decimal(1)),
    ]


def test_an_adjustment_without_its_amount_is_reported() -> None:
    said, findings = all_said(set_of("835", *replaced("CAS*PR*1*20", "CAS*PR*1")))
    assert codes(findings) == ["adjustment"]
    assert not said[-1].postable  # type: ignore[union-attr]


def test_what_is_about_a_person_is_not_in_repr() -> None:
    assert "DOE" not in repr(all_said(PAYMENT)[0])


def test_a_payment_that_balances_is_postable() -> None:
    end = end_of(*HEAD_835, *CLAIM_835)
    assert (end.claims, end.lines, end.charged, end.paid) == (1, 2, Decimal(200), Decimal(130))
    assert (end.difference, end.faults, end.postable, end.shares) == (Decimal(0), [], True, 0)


def test_provider_adjustments_are_of_no_claim_and_positive_ones_reduce_the_payment() -> None:
    plb = "PLB*1245319599*20261231*WO:A0001*20.5*L6*-0.5*FB*10"
    segments = replaced("BPR*I*130", "BPR*I*100")
    said, _ = all_said(set_of("835", *segments, plb))
    found = [(each.reason, each.reference, each.amount) for each in said if isinstance(each, ProviderAdjustment)]
    assert found == [("WO", "A0001", Decimal("20.5")), ("L6", "", Decimal("-0.5")), ("FB", "", Decimal(10))]
    end = said[-1]
    assert isinstance(end, PaymentEnd)
    assert (end.adjusted, end.postable) == (Decimal(30), True)


@pytest.mark.parametrize(
    ("old", "new", "rule", "amount"),
    [
        ("SVC*HC:99213:25*150*130", "SVC*HC:99213:25*150*129.99", "line", "0.01"),
        ("CLP*A000000000001*1*200*130", "CLP*A000000000001*1*200.01*130", "claim", "0.01"),
        ("CLP*A000000000001*1*200*130", "CLP*A000000000001*1*200.01*130", "charges", "0.01"),
        ("CAS*PR*1*20", "CAS*PR*1*19", "line", "1"),
    ],
)
def test_a_line_or_claim_that_does_not_balance_parks_the_set_with_the_difference(
    old: str, new: str, rule: str, amount: str
) -> None:
    end = end_of(*replaced(old, new))
    assert (rule, Decimal(amount)) in [(each.rule, each.amount) for each in end.differences]
    assert (end.unbalanced, end.postable) == (1, False)


def test_a_payment_that_does_not_balance_is_parked_with_the_difference() -> None:
    end = end_of(*replaced("BPR*I*130", "BPR*I*131.25"))
    assert (end.difference, end.faults) == (Decimal("-1.25"), ["payment does not balance"])


def test_an_amount_that_is_no_number_parks_the_set_even_where_it_balances_as_nought() -> None:
    end = end_of(*replaced("SVC*HC:99214*50*0*", "SVC*HC:99214*50*1E0*"))
    assert (end.unbalanced, end.faults) == (0, ["amount that is no number"])


def test_a_patient_share_that_is_not_the_sum_of_its_adjustments_is_a_warning_only() -> None:
    said, _ = all_said(set_of("835", *replaced("*200*130*20*", "*200*130*15*")))
    claim, end = said[1], said[-1]
    assert isinstance(claim, PaidClaim)
    assert isinstance(end, PaymentEnd)
    assert claim.warnings == [Difference(claim.segment, "share", Decimal(-5))]
    assert (end.shares, end.postable) == (1, True)


def test_a_payment_without_amount_or_trace_is_not_postable() -> None:
    said, findings = all_said(set_of("835", "N1*PR*X", "LX*1"))
    assert codes(findings) == ["no-money", "no-trace"]
    assert isinstance(said[-1], PaymentEnd)
    assert said[-1].faults == ["no amount or trace"]


def test_one_bad_set_does_not_stop_the_others() -> None:
    """edi.md 6.6: whole sets, each by itself."""
    good, bad = (*HEAD_835, *CLAIM_835), replaced("BPR*I*130", "BPR*I*1")
    sets = [st("835", *segments, number=number) for number, segments in enumerate((good, bad, good), start=1)]
    assert [end.postable for end in ends(file_of("835", *sets))] == [True, False, True]


def test_claim_segments_outside_of_a_claim_are_reported_and_left_out() -> None:
    said, findings = all_said(set_of("835", *HEAD_835, "SVC*HC:1*1*1", "CAS*CO*45*1", *CLAIM_835))
    assert codes(findings) == ["hierarchy", "hierarchy"]
    assert isinstance(said[-1], PaymentEnd)
    assert said[-1].postable


def peak_of_reading(file: Path, claims: int) -> int:
    """Bytes that Python held at most while it read a payment of so many claims from a file."""
    file.write_bytes(set_of("835", *HEAD_835, *CLAIM_835 * claims))
    tracemalloc.start()
    try:
        with file.open("rb") as opened:
            found = sum(isinstance(each, PaidClaim) for _, said in read(opened, Findings()) for each in said)
        assert found == claims
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_ten_times_the_claims_take_no_more_memory(tmp_path: Path) -> None:
    peak_of_reading(tmp_path / "warm", 1)
    assert peak_of_reading(tmp_path / "long", 3_000) < 1.2 * peak_of_reading(tmp_path / "short", 300)
