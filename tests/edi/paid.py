"""Payments made at random, which balance: claims with lines and adjustments, reversals, and what is of no claim."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from claims.edi.claims import Address, Adjustment, Name
from claims.edi.npi import with_check_digit
from claims.edi.outbound import Interchange
from claims.edi.payments import Offset, Payee, Remitted, RemittedClaim, RemittedLine, Remitter

ENVELOPE = Interchange(
    control=17, when=datetime(2026, 3, 2, 22, 0), test=True, sender="330897513", receiver="NIGHTWARD",  # noqa: DTZ001
    receiver_qualifier="ZZ", group_sender="OA", group_receiver="NIGHTWARD",
)  # fmt: skip
REMITTER = Remitter(
    name="Médi-Cal", payer_id="MCDCA", tax_id="941234567", contact="Provider desk", phone="5595550100",
    address=Address(street="1 Capitol Mall", city="Sacramento", state="CA", zip_code="95814"),
)  # fmt: skip
PAYEE = Payee(name="Care & Co. #1", npi=with_check_digit("123456780"), tax_id="123456780")
REMITTED = Remitted(
    remitter=REMITTER, payee=PAYEE, trace="000000017", paid_on=date(2026, 3, 3), produced_on=date(2026, 3, 2)
)
AMOUNTS = st.integers(0, 100_000_00).map(lambda cents: Decimal(cents) / 100)
REASONS = {"CO": ("45", "181", "253", "97"), "PR": ("1", "2", "3", "31", "96"), "OA": ("23",), "PI": ("45",)}
NAMES = st.sampled_from((Name(last="Muñoz", first="Ana"), Name(last="O'Brien", suffix="Jr."), Name(last="李")))


@st.composite
def adjustments(draw: st.DrawFn, most: Decimal) -> tuple[Adjustment, ...]:
    """That take off no more than `most`, in several groups, up to eight of one."""
    left, found = most, []
    for _ in range(draw(st.integers(0, 8))):
        part = (left * draw(st.integers(1, 100)) / 100).quantize(Decimal("0.01"))
        part = min(part, left)
        if part > 0:
            group = draw(st.sampled_from(sorted(REASONS)))
            found.append(Adjustment(group=group, reason=draw(st.sampled_from(REASONS[group])), amount=part))
            left -= part
    return tuple(found)


def off(adjustments: tuple[Adjustment, ...]) -> Decimal:
    return sum((each.amount for each in adjustments), Decimal(0))


@st.composite
def lines(draw: st.DrawFn, number: int) -> RemittedLine:
    charge = draw(AMOUNTS)
    taken = draw(adjustments(charge))
    begins = draw(st.dates(date(2025, 1, 1), date(2026, 3, 1)))
    units = Decimal(draw(st.integers(1, 96)))
    return RemittedLine(
        control=draw(st.sampled_from((f"L{number}", f"l-{number}/a"))),
        procedure=draw(st.sampled_from(("99213", "T1019"))),
        modifiers=draw(st.sampled_from(((), ("25",), ("U1", "GP", "59", "76")))),
        charge=charge, paid=charge - off(taken), units=units,
        units_sent=draw(st.sampled_from((None, units, units + 1))),
        begins=begins, ends=draw(st.sampled_from((None, begins, date(2026, 3, 2)))),
        allowed=draw(st.sampled_from((None, charge))), adjustments=taken,
    )  # fmt: skip


@st.composite
def claims(draw: st.DrawFn, number: int = 1) -> RemittedClaim:
    """Its own adjustments are taken from what its lines pay."""
    some = tuple(draw(lines(at)) for at in range(1, draw(st.integers(1, 4)) + 1))
    own = draw(adjustments(sum((line.paid for line in some), Decimal(0)))) if draw(st.booleans()) else ()
    insured = draw(st.sampled_from((None, Name(last="Zapata", first="Eva"))))
    return RemittedClaim(
        account=f"N{number:09d}", code=draw(st.sampled_from(("1", "2", "3", "4"))),
        charge=sum((line.charge for line in some), Decimal(0)),
        paid=sum((line.paid for line in some), Decimal(0)) - off(own),
        filing=draw(st.sampled_from(("CI", "MC", "12", ""))), number=f"X12-{number:09d}", place="11", frequency="1",
        patient=draw(st.one_of(st.none(), NAMES)), insured=insured,
        member_id=draw(st.sampled_from(("W123456789", "w-1 a"))), adjustments=own, lines=some,
    )  # fmt: skip


@st.composite
def payments(draw: st.DrawFn, offset: int = 50_000_00) -> tuple[Remitted, list[RemittedClaim]]:
    """One to four claims, and up to seven offsets of either sign, which may come to more than is paid."""
    cents = st.integers(-offset, offset)
    offsets = tuple(
        Offset(reason=draw(st.sampled_from(("WO", "72", "L6"))), reference="X12-1", amount=Decimal(draw(cents)) / 100)
        for _ in range(draw(st.integers(0, 7) if offset else st.just(0)))
    )
    some = [draw(claims(number)) for number in range(1, draw(st.integers(1, 4)) + 1)]
    return remitted(offsets=offsets), some


def remitted(**changes: Any) -> Remitted:
    return replace(REMITTED, **changes)
