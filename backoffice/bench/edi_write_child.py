"""What runs inside a measured process of the edi benchmark. Arguments: with rules or not; how many claims; a file."""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from claims.edi import written
from claims.edi.claims import Address, Billing, Claim, Dependant, Kind, Line, Name, Payer, Provider, Subscriber
from claims.edi.npi import with_check_digit
from claims.edi.outbound import Envelope
from claims.edi.rules import checked
from claims.edi.standing import PayerStanding, Standing
from claims.edi.write837 import parts

WRITTEN, WITH_RULES = "written", "with the rules"
LINES, PROVIDERS, TODAY = 2, 40, date(2026, 3, 2)
STANDING = Standing(today=TODAY, payers={"60054": PayerStanding(filing_days=365, enrolled=True)})
ENVELOPE = Envelope(
    kind=Kind.MED, control=1, when=datetime(2026, 3, 2, 12, tzinfo=UTC), test=True, sender="NIGHTWARD",
    receiver="330897513", receiver_qualifier="ZZ", group_sender="NIGHTWARD", group_receiver="OA",
    submitter="Nightward", submitter_id="NW1", contact="Billing", phone="5595550100", receiver_name="Office Ally",
    receiver_id="330897513",
)  # fmt: skip
Item = TypeVar("Item")


def main(what: str, number: int, file: Path) -> None:
    spent: dict[str, float] = defaultdict(float)
    refused: list[str] = []
    claims = timed(spent, "making", made(number))
    if what == WITH_RULES:
        claims = timed(spent, "rules", let_pass(claims, refused))
    found = {"claims": 0, "lines": 0}
    with file.open("wb") as out:
        for part in timed(spent, "write", parts(ENVELOPE, claims)):
            began = time.perf_counter()
            if what == WITH_RULES and part.number:
                refused += written.faults(part)
            spent["check"] += time.perf_counter() - began
            out.write(part.content)
            found["claims"] += len(part.controls)
            found["lines"] += part.content.count(b"\nSV1*")
    inner = "rules" if what == WITH_RULES else "making"
    seconds = {"write": spent["write"] - spent[inner], "check": spent["check"]}
    seconds["rules"] = spent["rules"] - spent["making"] if what == WITH_RULES else 0
    sys.stdout.write(json.dumps({**found, "faults": len(refused), "seconds": seconds}) + "\n")


def timed(spent: dict[str, float], name: str, items: Iterable[Item]) -> Iterator[Item]:
    """The same items; what it takes until each is there is added up, with what goes on within."""
    left = iter(items)
    while True:
        began = time.perf_counter()
        try:
            item = next(left)
        except StopIteration:
            return
        finally:
            spent[name] += time.perf_counter() - began
        yield item


def let_pass(claims: Iterable[Claim], refused: list[str]) -> Iterator[Claim]:
    for claim, problems in checked(claims, STANDING):
        if problems:
            refused.append(claim.control)
        else:
            yield claim


def made(number: int) -> Iterator[Claim]:
    """Four claims in a row are one member's, the fourth a child's; a provider bills for hundreds of members."""
    billing = [_billing(which) for which in range(PROVIDERS)]
    payer = Payer(name="Aetna", payer_id="60054")
    referring = Provider(name=Name(last="Vale", first="Ida"), npi="1245319599")
    for at in range(number):
        family = at // 4
        address = Address(street=f"{family % 900 + 1} Oak St", city="Fresno", state="CA", zip_code="93721")
        begins = TODAY - timedelta(days=at % 4 * 2 + 1)
        yield Claim(
            kind=Kind.MED, control=f"NW{at:010d}", billing=billing[family // 200 % PROVIDERS], payer=payer,
            subscriber=_member(family, address), patient=_child(address) if at % 4 == 3 else None,
            charge=Decimal("377.50"), place="11", diagnoses=("E119", "I10", "Z7409"), referring=referring, lines=(
                _line("K1", "99213", Decimal("137.50"), begins), _line("K2", "97110", Decimal("240.00"), begins),
            ),
        )  # fmt: skip


def _billing(which: int) -> Billing:
    return Billing(
        name=Name(last=f"Clinic {which}", organisation=True), npi=with_check_digit(f"1234567{which:02d}"),
        tax_id=f"9123456{which:02d}", taxonomy="207Q00000X",
        address=Address(street=f"{which + 1} Elm St", city="Fresno", state="CA", zip_code="937210001"),
    )  # fmt: skip


def _member(family: int, address: Address) -> Subscriber:
    return Subscriber(
        member_id=f"W{family:09d}", name=Name(last="Muñoz", first=f"Eva {'ABCDEFGH'[family % 8]}"), address=address,
        birth_date=date(1950 + family % 50, 2, 3), sex="F",
    )  # fmt: skip


def _child(address: Address) -> Dependant:
    name = Name(last="Muñoz", first="Ben")
    return Dependant(relationship="19", name=name, address=address, birth_date=date(2015, 4, 5), sex="M")


def _line(control: str, procedure: str, charge: Decimal, begins: date) -> Line:
    return Line(
        control=control, procedure=procedure, charge=charge, quantity=Decimal(1), pointers=(1, 2), begins=begins
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
