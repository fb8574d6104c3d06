"""What runs inside a measured process of the edi benchmark. Argument: how many claims one payment has."""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from backoffice.bench.edi_write_child import timed
from claims.edi.answers import read
from claims.edi.claims import Address, Adjustment, Name
from claims.edi.findings import Findings
from claims.edi.outbound import Interchange
from claims.edi.payments import Payee, Remitted, RemittedClaim, RemittedLine, Remitter
from claims.edi.remittance import PaymentEnd
from claims.edi.write835 import write_835

LINES = 2
ENVELOPE = Interchange(
    control=1, when=datetime(2026, 3, 2, 22, tzinfo=UTC), test=True, sender="330897513", receiver="NIGHTWARD",
    receiver_qualifier="ZZ", group_sender="OA", group_receiver="NIGHTWARD",
)  # fmt: skip
REMITTED = Remitted(
    remitter=Remitter(
        name="Aetna", payer_id="60054", tax_id="066033492", contact="Provider services", phone="8605550100",
        address=Address(street="151 Farmington Ave", city="Hartford", state="CT", zip_code="061560001"),
    ),
    payee=Payee(name="Care Clinic", npi="1234567893", tax_id="912345678"), trace="000000001",
    paid_on=date(2026, 3, 3), produced_on=date(2026, 3, 2),
)  # fmt: skip


def main(number: int) -> None:
    spent: dict[str, float] = defaultdict(float)
    began = time.perf_counter()
    made = write_835(ENVELOPE, REMITTED, timed(spent, "making", claims(number)))
    ended = time.perf_counter()
    written = ended - began - spent["making"]
    (end,) = (each for _, said in read(made.content, Findings()) for each in said if isinstance(each, PaymentEnd))
    heard = time.perf_counter() - ended
    postable = end.postable and end.paid == made.total
    found = {"claims": end.claims, "lines": end.lines, "postable": postable, "bytes": len(made.content)}
    sys.stdout.write(json.dumps({**found, "written": written, "heard": heard}) + "\n")


def claims(number: int) -> Iterator[RemittedClaim]:
    """The first line is paid in part, the second denied."""
    for at in range(number):
        yield RemittedClaim(
            account=f"NW{at:010d}", charge=Decimal("377.50"), paid=Decimal("80.00"), filing="12",
            number=f"X12-{at:010d}", place="11", frequency="1", member_id=f"W{at:09d}",
            patient=Name(last="Muñoz", first="Eva"), lines=(
                _line("K1", Decimal("137.50"), Decimal(80), ("CO", "45", "37.50"), ("PR", "2", "20.00")),
                _line("K2", Decimal("240.00"), Decimal(0), ("PR", "96", "240.00")),
            ),
        )  # fmt: skip


def _line(control: str, charge: Decimal, paid: Decimal, *adjustments: tuple[str, str, str]) -> RemittedLine:
    return RemittedLine(
        control=control, procedure="99213", modifiers=("25",), charge=charge, paid=paid, units=Decimal(1),
        begins=date(2026, 2, 20), allowed=paid or None, adjustments=tuple(
            Adjustment(group=group, reason=reason, amount=Decimal(amount)) for group, reason, amount in adjustments
        ),
    )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]))
