"""An 835 that is written balances to the cent, is valid, and is read as what was said. Issue 6; edi.md 6.4, 6.5."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.edi.claim835 import NotBalanced
from claims.edi.claims import Adjustment, Name
from claims.edi.payments import Offset, Payee, Remitted, RemittedClaim, RemittedLine
from claims.edi.remittance import PaidClaim, Payment, PaymentEnd, ProviderAdjustment
from claims.edi.segments import NotWritable, money
from claims.edi.write835 import Written, write_835
from tests.edi import oracle, oracle_835, paid
from tests.edi.oracle_835 import of_kind
from tests.edi.written import all_said

LINE = RemittedLine(
    control="L1", procedure="99213", modifiers=("25",), charge=Decimal("137.50"), paid=Decimal("80.00"),
    units=Decimal(1), begins=date(2026, 2, 20), allowed=Decimal("100.00"), adjustments=(
        Adjustment(group="CO", reason="45", amount=Decimal("37.50")),
        Adjustment(group="PR", reason="2", amount=Decimal("20.00")),
    ),
)  # fmt: skip
CLAIM = RemittedClaim(
    account="NW00000000001", charge=LINE.charge, paid=LINE.paid, filing="MC", number="X12-000000001", place="11",
    frequency="1", patient=Name(last="Zapata", first="Eva"), member_id="W123456789", lines=(LINE,),
)  # fmt: skip


def write(*claims: RemittedClaim, remitted: Remitted = paid.REMITTED) -> Written:
    return write_835(paid.ENVELOPE, remitted, claims)


def segments(found: Written) -> list[str]:
    return found.content.decode("ascii").replace("\n", "").split("~")


@pytest.mark.parametrize(
    ("amount", "text"), [("0.00", "0"), ("-0.50", "-.5"), ("137.500", "137.5"), ("1E+2", "100"), ("-240", "-240")]
)
def test_an_amount_is_written_without_superfluous_zeros(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text


@pytest.mark.parametrize("amount", ["0.001", "-1.005", "NaN", "Infinity"])
def test_an_amount_of_parts_of_a_cent_is_not_written(amount: str) -> None:
    with pytest.raises(NotWritable):
        money(Decimal(amount))


def test_a_payment_is_written_segment_by_segment() -> None:
    """edi.md 6.4: CLP01 is CLM01, CLP07 the payer's number, REF 6R the line's."""
    assert segments(write(CLAIM))[2:-1] == [
        "ST*835*0001",
        "BPR*I*80*C*CHK************20260303",
        "TRN*1*000000017*1941234567",
        "DTM*405*20260302",
        "N1*PR*MEDI-CAL",
        "N3*1 CAPITOL MALL",
        "N4*SACRAMENTO*CA*95814",
        "REF*2U*MCDCA",
        "PER*BL*PROVIDER DESK*TE*5595550100",
        "N1*PE*CARE & CO. 1*XX*1234567802",
        "REF*TJ*123456780",
        "LX*1",
        "CLP*NW00000000001*1*137.5*80*20*MC*X12-000000001*11*1",
        "NM1*QC*1*ZAPATA*EVA****MI*W123456789",
        "SVC*HC:99213:25*137.5*80**1",
        "DTM*472*20260220",
        "CAS*CO*45*37.5",
        "CAS*PR*2*20",
        "REF*6R*L1",
        "AMT*B6*100",
        "SE*21*0001",
        "GE*1*17",
        "IEA*1*000000017",
    ]


def test_validators_of_the_guide_pass_it() -> None:
    content = write(CLAIM, replace(CLAIM, insured=Name(last="Vale"), patient=None)).content
    assert oracle.faults(content) == []
    oracle_835.compare(content)


@pytest.mark.slow
@given(paid.payments(offset=0))
@settings(max_examples=8)
def test_any_payment_is_valid(payment: tuple[Remitted, list[RemittedClaim]]) -> None:
    """edi.md, "What is to be built" 6: pyx12 for structure."""
    remitted, claims = payment
    assert oracle.faults(write(*claims, remitted=remitted).content) == []


@pytest.mark.slow
@given(paid.payments())
def test_any_payment_balances_and_is_read_as_it_was_said(payment: tuple[Remitted, list[RemittedClaim]]) -> None:
    """edi.md 6.5: by our reader and by one that shares no code with it."""
    remitted, claims = payment
    found = write(*claims, remitted=remitted)
    said, findings = all_said(found.content)
    (head,), (end,) = of_kind(Payment, said), of_kind(PaymentEnd, said)
    assert findings.found == []
    assert end.faults == []
    assert (end.claims, end.lines, end.charged, end.paid, end.total) == (
        found.claims, found.lines, found.charged, found.paid, found.total,
    )  # fmt: skip
    assert (head.trace, head.originator, head.payee_id) == ("000000017", "1941234567", "1234567802")
    assert [heard(claim) for claim in of_kind(PaidClaim, said)] == [told(claim) for claim in claims]
    taken = sum((offset.amount for offset in of_kind(ProviderAdjustment, said)), Decimal(0))
    assert found.total == found.paid - taken >= 0
    oracle_835.compare(found.content)


def told(claim: RemittedClaim) -> tuple[object, ...]:
    return (
        claim.account, claim.number, claim.charge, claim.paid, counted(claim.adjustments), [
            (line.control, line.procedure, line.modifiers, line.charge, line.paid, line.units, line.begins,
             line.ends or line.begins, line.allowed, counted(line.adjustments))
            for line in claim.lines
        ],
    )  # fmt: skip


def heard(claim: PaidClaim) -> tuple[object, ...]:
    assert claim.warnings == []  # CLP05 is the sum of PR
    return (
        claim.account, claim.payer_claim, claim.charge, claim.paid, counted(claim.adjustments), [
            (line.reference, line.procedure, tuple(line.modifiers), line.charge, line.paid, line.units, line.first_day,
             line.last_day, line.allowed, counted(line.adjustments))
            for line in claim.lines
        ],
    )  # fmt: skip


def counted(adjustments: object) -> list[tuple[str, str, Decimal]]:
    """In the order of their groups, in which they are written."""
    found = [(each.group, each.reason, each.amount) for each in adjustments]  # type: ignore[attr-defined]
    return sorted(found)


def test_the_same_payment_is_the_same_bytes() -> None:
    assert write(CLAIM).content == write(CLAIM).content


def test_who_owes_more_than_is_paid_gets_nothing_and_the_rest_is_carried_forward() -> None:
    """edi.md 6.5: BPR02 is never below 0; a negative balance is a PLB FB."""
    owed = replace(paid.REMITTED, offsets=(Offset(reason="WO", reference="X12-1", amount=Decimal("100.25")),))
    found = write(CLAIM, remitted=owed)
    assert found.total == 0
    assert "BPR*H*0*C*NON************20260303" in segments(found)
    assert "PLB*1234567802*20261231*WO:X12-1*100.25*FB:000000017*-20.25" in segments(found)
    assert oracle.faults(found.content) == []


def test_a_reversal_takes_its_claim_back() -> None:
    """edi.md 6.4: CLP02 22 with negative amounts."""
    back = replace(
        LINE, charge=-LINE.charge, paid=-LINE.paid,
        adjustments=tuple(replace(each, amount=-each.amount) for each in LINE.adjustments),
    )  # fmt: skip
    found = write(CLAIM, replace(CLAIM, code="22", charge=back.charge, paid=back.paid, lines=(back,)))
    assert (found.paid, found.total) == (0, 0)
    assert "CLP*NW00000000001*22*-137.5*-80*-20*MC*X12-000000001*11*1" in segments(found)
    oracle_835.compare(found.content)


def test_who_has_no_npi_is_paid_by_tax_id() -> None:
    """edi.md 5.4: the 835 then names the payee by FI."""
    atypical = replace(paid.REMITTED, payee=Payee(name="Ada Öz", tax_id="123456781"))
    found = write(CLAIM, remitted=atypical)
    assert "N1*PE*ADA OZ*FI*123456781" in segments(found)
    assert oracle.faults(found.content) == []


def test_a_denied_line_keeps_the_code_of_a_processed_claim() -> None:
    denied = replace(
        LINE, paid=Decimal(0), units=Decimal(0), units_sent=Decimal(1), allowed=None,
        adjustments=(Adjustment(group="PR", reason="96", amount=LINE.charge),),
    )  # fmt: skip
    found = write(replace(CLAIM, paid=Decimal(0), lines=(denied,)))
    assert "CLP*NW00000000001*1*137.5*0*137.5*MC*X12-000000001*11*1" in segments(found)
    assert "SVC*HC:99213:25*137.5*0**0**1" in segments(found)
    assert oracle.faults(found.content) == []


Change = Callable[[RemittedClaim], RemittedClaim]


@pytest.mark.parametrize(
    "change",
    [
        lambda claim: replace(claim, paid=claim.paid + Decimal("0.01")),
        lambda claim: replace(claim, charge=claim.charge - Decimal("0.01"), paid=claim.paid - Decimal("0.01")),
        lambda claim: replace(claim, lines=(replace(LINE, paid=LINE.paid - 1),), paid=claim.paid - 1),
        lambda claim: replace(claim, adjustments=(Adjustment(group="CO", reason="45", amount=Decimal(1)),)),
    ],
)
def test_what_does_not_balance_is_refused(change: Change) -> None:
    """edi.md 6.5, rules 1 and 2."""
    with pytest.raises(NotBalanced):
        write(change(CLAIM))


@pytest.mark.parametrize(
    "change",
    [
        lambda claim: replace(claim, account="A*1"),
        lambda claim: replace(claim, account="A" * 39),
        lambda claim: replace(claim, member_id="W1:2"),
        lambda claim: replace(claim, lines=(replace(LINE, control="L~1"),)),
        lambda claim: replace(claim, charge=Decimal("1.001"), paid=Decimal("1.001"), lines=()),
    ],
)
def test_what_x12_cannot_carry_is_refused_without_saying_what_it_was(change: Change) -> None:
    """An identifier that was altered would name somebody else."""
    with pytest.raises(NotWritable) as refused:
        write(change(CLAIM))
    assert not {"A*1", "W1:2", "L~1", "1.001"} & set(str(refused.value).split())


def test_a_refusal_names_the_claim_among_thousands() -> None:
    with pytest.raises(
        NotWritable, match=r"^Claim 'X12-000000002': The claim's control number \(CLP01\) has characters"
    ):
        write(CLAIM, replace(CLAIM, number="X12-000000002", account="A*1"))


@given(st.text(min_size=1, max_size=10))
def test_no_text_breaks_out_of_its_element(text: str) -> None:
    try:
        found = write(replace(CLAIM, account=text, patient=Name(last=text, first=text)))
    except NotWritable:
        found = write(replace(CLAIM, patient=Name(last=text, first=text)))
    assert len(segments(found)) == len(segments(write(CLAIM)))
