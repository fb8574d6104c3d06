"""Control numbers (ISA13) of what is sent. None is ever given twice."""

from django.db import transaction

from backoffice.runs.faults import ConfigError
from claims.edi.outbound import MOST_CONTROL
from claims.pipeline.control_numbers import take


def next_control(receiver: str, usage: str) -> int:
    """The next number to this receiver, whoever sends; test (T) and production (P) count apart. So no two files in its
    mailbox have one number, one name or one BHT03. Its row stays locked until the caller's transaction ends, so that
    what stores the number and what gives the next one follow each other. ConfigError after 999,999,999: to begin again
    is for a person."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a control number is taken in the transaction that stores what it numbers")
    number = take(f"837 {receiver} {usage}")
    if number > MOST_CONTROL:
        raise ConfigError(
            f"The control numbers to {receiver} are used up: agree with the clearinghouse where to begin again, and "
            "set the row's last number to it."
        )
    return number
