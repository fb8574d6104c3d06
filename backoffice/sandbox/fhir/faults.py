"""What a FHIR server does wrong on purpose; rates and counts as in the sandbox hospital.

http429, http500, http503: the whole request, with Retry-After but for 500. drop: hang up before doing anything;
drop_after_write: do it, then hang up; slow. html: a page of HTML with status 200, nothing done. no_total: the searchset
has none. bad_next: the next link leads to another server; next_loop: to the page that it stands on. everybody: the
search is not understood and every patient comes back. entry429, entry500, entry_missing: one entry of a batch is not
done, or done and left out of the answer. subsetted: patients come back in part. conflict: somebody else changes the
patient just before the write.
"""

from typing import Final

from backoffice.sandbox.faults import Faults

KINDS: Final = (
    "http429", "http500", "http503", "drop", "drop_after_write", "slow", "html", "no_total", "bad_next", "next_loop",
    "everybody", "entry429", "entry500", "entry_missing", "subsetted", "conflict",
)  # fmt: skip


def fhir_faults(*, seed: int = 0, slow_seconds: float = 60.0, retry_after: int = 1) -> Faults:
    """None yet."""
    return Faults(KINDS, seed=seed, slow_seconds=slow_seconds, retry_after=retry_after)
