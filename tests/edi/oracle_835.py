"""What an oracle that shares no code with us reads in an 835, set beside what we read."""

from decimal import Decimal
from typing import TypeVar

import oxedi
import polars as pl

from claims.edi.answers import Said
from claims.edi.balance import all_adjustments
from claims.edi.remittance import PaidClaim, PaymentEnd, ProviderAdjustment
from tests.edi.written import all_said

T = TypeVar("T")


def of_kind(kind: type[T], said: list[Said]) -> list[T]:
    return [each for each in said if isinstance(each, kind)]


def cents(frame: pl.DataFrame, column: str) -> Decimal:
    return sum((value for value in frame[column].to_list() if value is not None), Decimal(0))


def texts(column: pl.Series) -> list[str]:
    """The oracle gives some texts as bytes, and none where there is nothing."""
    return [value.decode() if isinstance(value, bytes) else value or "" for value in column]


def compare(data: bytes) -> None:
    """Claims, lines, adjustments and totals, and whether each balances, by our reader and by the oracle."""
    said, _ = all_said(data)
    claims, ends = of_kind(PaidClaim, said), of_kind(PaymentEnd, said)
    result = oxedi.parse(data)
    theirs = {name: result.tables[name].to_polars() for name in result.tables}
    lines = [line for claim in claims for line in claim.lines]
    assert [claim.account for claim in claims] == texts(theirs["claims"]["claim_id"])
    assert [claim.code for claim in claims] == texts(theirs["claims"]["claim_status"])
    assert len(ends) == len(theirs["payments"])
    assert [line.procedure for line in lines] == texts(theirs["services"]["procedure_code"])
    for name, column, mine in (
        ("payments", "total_payment_amount", [end.total for end in ends]),
        ("claims", "charge_amount", [claim.charge for claim in claims]),
        ("claims", "payment_amount", [claim.paid for claim in claims]),
        ("services", "charge_amount", [line.charge for line in lines]),
        ("services", "payment_amount", [line.paid for line in lines]),
        ("adjustments", "amount", [each.amount for claim in claims for each in all_adjustments(claim)]),
        ("provider_adjustments", "amount", [each.amount for each in of_kind(ProviderAdjustment, said)]),
    ):
        assert sum(mine, Decimal(0)) == cents(theirs[name], column), (name, column)
        assert len(mine) == len(theirs[name]), name
    # The oracle does not add up the charges of the lines.
    rules = {each.rule for claim in claims for each in claim.differences} - {"charges"}
    balanced = not rules and not any(end.difference for end in ends)
    assert balanced is not any(diagnostic.kind == "BalanceMismatch" for diagnostic in result.diagnostics)
