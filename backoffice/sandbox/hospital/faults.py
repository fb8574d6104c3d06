"""What a hospital does wrong on purpose.

http429 and http503 (with Retry-After), drop (hang up before doing anything), slow (sleep, then do); drop_after_write
and slow_after_write (commit the mutation, then hang up or sleep); cancel_session (the session is written with CANCELLED
services); lookup:NAME (that query field answers INTERNAL); write:FORBIDDEN, write:INTERNAL, write:VALIDATION_FAILED (a
payload error, nothing written); and block:CODE, see Faults.
"""

from typing import Final

from backoffice.sandbox.faults import Faults

LOOKUPS: Final = (
    "appointments",
    "serviceSessions",
    "serviceSessionByIdempotencyKey",
    "serviceConfiguration",
    "costCenter",
    "responsiblePhysician",
    "case",
    "serviceBlock",
)
WRITE_ERRORS: Final = ("FORBIDDEN", "INTERNAL", "VALIDATION_FAILED")
KINDS: Final = (
    "http429",
    "http503",
    "drop",
    "drop_after_write",
    "slow",
    "slow_after_write",
    "cancel_session",
    *(f"lookup:{name}" for name in LOOKUPS),
    *(f"write:{code}" for code in WRITE_ERRORS),
)


def hospital_faults(*, seed: int = 0, slow_seconds: float = 60.0, retry_after: int = 1) -> Faults:
    """None yet."""
    return Faults(KINDS, seed=seed, slow_seconds=slow_seconds, retry_after=retry_after)
