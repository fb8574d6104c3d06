"""What an 835 makes of a claim: most denials say "processed", and only their amounts and reasons tell. edi.md 6.4."""

from decimal import Decimal

import pytest

from claims.edi.adjudication import Reasons, adjudicated
from claims.edi.remittance import PaidClaim
from claims.edi.status import State
from tests.edi.written import HEAD_835, all_said, set_of


def claim(clp: str, *segments: str) -> PaidClaim:
    found, _ = all_said(set_of("835", *HEAD_835, f"CLP*A1*{clp}", *segments))
    (paid,) = (each for each in found if isinstance(each, PaidClaim))
    return paid


@pytest.mark.parametrize(
    ("clp", "segments", "state"),
    [
        ("1*100*100*0", [], State.PAID),
        ("1*100*80*0", ["CAS*CO*45*20"], State.PAID),
        ("1*100*60*20", ["CAS*CO*45*18**253*2", "CAS*PR*1*5**2*15"], State.PAID),
        ("2*100*20*0", ["CAS*OA*23*80"], State.PAID),
        ("2*100*0*0", ["CAS*OA*23*100"], State.PAID),
        ("1*0*0*0", [], State.PAID),
        ("1*100*60*0", ["CAS*CO*97*40"], State.PARTLY_PAID),
        ("1*100*60*0", ["CAS*PR*96*40"], State.PARTLY_PAID),
        ("1*100*60*0", [], State.PARTLY_PAID),
        ("1*100*0*0", ["CAS*CO*16*100"], State.DENIED),
        ("1*100*0*0", ["CAS*OA*109*100"], State.DENIED),
        ("1*100*0*0", ["CAS*PI*50*100"], State.DENIED),
        ("1*100*0*100", ["CAS*PR*204*100"], State.DENIED),
        ("1*100*0*0", ["CAS*CO*45*100"], State.DENIED),
        ("3*100*0*0", [], State.DENIED),
        ("4*100*0*0", ["CAS*PR*31*100"], State.DENIED),
        ("1*100*0*100", ["CAS*PR*1*100"], State.PATIENT_SHARE),
        ("1*100*0*30", ["CAS*CO*45*70", "CAS*PR*3*30"], State.PATIENT_SHARE),
        ("1*100*0*100", [], State.PATIENT_SHARE),
        ("19*100*80*0", ["CAS*CO*45*20"], State.NEXT_PAYER),
        ("20*100*80*0", [], State.NEXT_PAYER),
        ("21*100*80*0", [], State.NEXT_PAYER),
        ("22*-100*-80*0", ["CAS*CO*45*-20"], State.REVERSED),
        ("1*-100*-80*0", ["CAS*CO*45*-20"], State.REVERSED),
        ("23*100*0*0", [], State.FORWARDED),
        ("25*100*0*0", [], State.NO_PAYMENT),
    ],
)
def test_amounts_and_reasons_decide(clp: str, segments: list[str], state: State) -> None:
    assert adjudicated(claim(clp, *segments)).state == state


def test_the_patients_share_is_never_booked_as_paid() -> None:
    found = adjudicated(claim("1*100*60*20", "CAS*CO*45*18**253*2", "CAS*PR*1*5**2*15"))
    assert (found.paid, found.share, found.contractual, found.denied) == tuple(map(Decimal, (60, 20, 20, 0)))


def test_a_line_that_was_denied_is_counted_where_others_were_paid() -> None:
    lines = ("SVC*HC:1*60*60", "SVC*HC:2*40*0", "CAS*CO*97*40")
    found = adjudicated(claim("1*100*60*0", *lines))
    assert (found.state, found.denied, found.denied_lines) == (State.PARTLY_PAID, Decimal(40), 1)


def test_which_reasons_are_contractual_is_a_setting() -> None:
    paid = claim("1*100*60*0", "CAS*CO*97*40")
    assert adjudicated(paid, Reasons(contractual=frozenset(("45", "97")))).state == State.PAID
