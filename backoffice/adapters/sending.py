"""What can become of a message to a person, whichever way it goes."""

from dataclasses import dataclass
from typing import Literal

# opted_out: the person does not want it. address: it leads to nobody. message: this text cannot be sent. quiet: not at
# this hour. busy: later, as it is. account: nothing can be sent until somebody changes a setting. other: see the code.
Why = Literal["opted_out", "address", "message", "quiet", "busy", "account", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The other side has it and will try; `id` is its name there, `status` the other side's word."""

    id: str
    status: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """It was certainly not sent. `code` is the other side's, or "connection".

    `permanent`: the same message to the same person cannot succeed. Else it may be sent again, after `retry_after`
    seconds where the other side has said so.
    """

    code: str
    why: Why
    permanent: bool
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """It may have been sent: no answer, or none that can be read. Never to be sent again blindly."""

    code: str


Sent = Accepted | Refused | Unknown
