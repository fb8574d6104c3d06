"""`sandbox pos`: tell Nightward what a point of sale did with an order."""

import argparse
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox import sender
from backoffice.sandbox.cloudevents import Event
from backoffice.sandbox.refused import Refused

EVENTS: Final = ("placed", "paid", "refunded")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox pos`."""
    sender.add_arguments(parser, "pos", EVENTS)
    parser.add_argument("--amount", default="30.00", metavar="A", help="default 30.00")
    parser.add_argument("--currency", default="USD", metavar="C", help="default USD")
    parser.add_argument("--payment", metavar="ID", help="default made of the order")


def run(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> None:
    """Send one event; a line for each answer. Raises Refused and Failed."""
    order = options["order"] or f"PO-{options['appointment']}"
    data = {
        "appointment_id": options["appointment"],
        "order_id": order,
        "amount": _amount(options["amount"]),
        "currency": options["currency"],
    }
    if options["event"] != "placed":
        data["payment_id"] = options["payment"] or f"PAY-{order}"
    event = Event(
        type=f"pos.order.{options['event']}",
        source="/sandbox/pos",
        subject=order,
        data=data,
        **({"id": options["id"]} if options["id"] else {}),
    )
    sender.send("pos", options, event, say)


def _amount(text: str) -> str:
    """As it was written, if it is money."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and amount >= 0 and amount == round(amount, 2)):
        raise Refused("--amount is money, such as 30.00")
    return text
