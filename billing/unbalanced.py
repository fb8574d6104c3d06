"""The claims of a parked payment that do not balance, for people and other systems to read."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from billing.models import Claim, Payment

SUMS = ("charge", "paid", "adjusted", "difference")


def unbalanced_of(payments: Sequence[Payment]) -> dict[int, list[dict[str, Any]]]:
    """By payment: the first of them as billing.reading.unbalanced keeps them, with amounts as Decimal.

    `claim` is the id of the region's claim of that number; `account` is empty where there is none: whose number it
    is nobody knows. One query for all, which are of one region.
    """
    accounts = {row["account"][:20] for payment in payments for row in payment.unbalanced} - {""}
    region = payments[0].region_id if payments else None
    rows = Claim.objects.filter(region=region, control__in=accounts).values_list("control", "pk") if accounts else ()
    ours = dict(rows)
    return {payment.pk: [_told(row, ours.get(row["account"])) for row in payment.unbalanced] for payment in payments}


def _told(row: dict[str, Any], claim: int | None) -> dict[str, Any]:
    return {
        **_amounts(row),
        "claim": claim,
        "account": row["account"] if claim else "",
        "lines_off": Decimal(row["lines_off"]),
        "lines": [{**_amounts(line), "control": line["control"] if claim else ""} for line in row["lines"]],
    }


def _amounts(row: dict[str, Any]) -> dict[str, Any]:
    return {"segment": row["segment"], **{name: Decimal(row[name]) for name in SUMS}}
