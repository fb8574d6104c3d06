"""What the sheets server does wrong on purpose; rates and counts as in the sandbox hospital.

http429 (with Retry-After, as proxies send it; Google itself sends none), http500, http503, forbidden: instead of the
answer. drop: hang up before doing anything; drop_after_write: write, then hang up. slow: wait first. html: a page of
HTML with status 200. token500: the token endpoint fails. write500: a write alone is answered so, and not done.
"""

from typing import Final

from backoffice.sandbox.faults import Faults

KINDS: Final = (
    "http429", "http500", "http503", "forbidden", "drop", "drop_after_write", "slow", "html", "token500", "write500",
)  # fmt: skip


def sheets_faults(*, seed: int = 0, slow_seconds: float = 60.0, retry_after: int = 1) -> Faults:
    """None yet."""
    return Faults(KINDS, seed=seed, slow_seconds=slow_seconds, retry_after=retry_after)
