"""What Twilio's error codes mean for a message: of the API, and in the webhooks that tell what became of it.

Source: Twilio's "Error and Warning Dictionary". A code that is not here is "other" and permanent: it is not sent again
by itself.
"""

from collections.abc import Mapping
from typing import Final

from backoffice.adapters.sending import Refused, Why

# Why, and whether it is permanent.
MEANINGS: Final[Mapping[int, tuple[Why, bool]]] = {
    20003: ("account", True),  # SID and token do not fit
    20005: ("account", True),  # account not active
    20404: ("account", True),  # no such account
    20429: ("busy", False),
    21211: ("address", True),  # no valid number
    21212: ("account", True),  # our number is no valid one
    21217: ("address", True),
    21408: ("account", True),  # country not permitted for this account
    21602: ("message", True),  # no text
    21603: ("account", True),  # no sender
    21604: ("address", True),  # no number
    21606: ("account", True),  # our number cannot send
    21608: ("account", True),  # trial account
    21610: ("opted_out", True),
    21611: ("busy", False),  # our number's queue is full
    21612: ("address", True),  # no way to this number
    21614: ("address", True),  # not a mobile number
    21617: ("message", True),  # too long
    21701: ("account", True),  # no such messaging service
    21703: ("account", True),  # a messaging service without numbers
    21705: ("account", True),
    63038: ("busy", False),  # the account's messages of a day
    # In webhooks.
    30001: ("busy", False),  # queue overflow
    30002: ("account", True),  # account suspended
    30003: ("other", False),  # handset switched off or out of reach
    30004: ("other", True),  # blocked by the person or the carrier
    30005: ("address", True),  # unknown handset
    30006: ("address", True),  # landline, or a carrier that takes none
    30007: ("message", True),  # filtered
    30008: ("other", False),
    30034: ("account", True),  # number not registered for this traffic
    30036: ("busy", False),  # waited too long in Twilio's queue; not sent
    30610: ("quiet", False),
}


def meaning(code: int) -> tuple[Why, bool]:
    """Why a message with this code failed, and whether sending the same again is in vain."""
    return MEANINGS.get(code, ("other", True))


def refusal(status: int, code: int, retry_after: float | None) -> Refused:
    """The API's answer with an HTTP status below 500 that is no success; `code` 0: it gave none."""
    if code:
        why, permanent = meaning(code)
    elif status == 429:
        why, permanent = "busy", False
    else:
        why, permanent = "account", True  # no answer of Twilio's API: a wrong address, a proxy
    return Refused(code=str(code) if code else f"http_{status}", why=why, permanent=permanent, retry_after=retry_after)
