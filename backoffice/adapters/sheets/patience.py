"""How long and how often a sheet is asked again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import stamina

from backoffice.adapters.sheets.faults import SheetUnavailable

QUOTA: Final = "http_429"
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """Waits double from `first` to `longest` seconds, or are what the other side asks for.

    A quota is waited for up to `quota_attempts` times, which is more than the minute that it is counted in; other
    faults are tried `attempts` times (contract S1-19: three retries). All in all `seconds` at most.
    """

    first: float = 1.0
    longest: float = 32.0
    attempts: int = 4
    quota_attempts: int = 8
    seconds: float = 150.0

    def run(self, call: Callable[[], Value]) -> Value:
        """What `call` returns, once it does not raise a SheetUnavailable that passes. What is raised last is raised."""
        tried = 0

        def again(error: Exception) -> bool | float:
            nonlocal tried
            tried += 1
            if not (isinstance(error, SheetUnavailable) and error.passing):
                return False
            if tried >= (self.quota_attempts if error.code == QUOTA else self.attempts):
                return False
            return True if error.retry_after is None else min(error.retry_after, self.longest)

        for attempt in stamina.retry_context(
            again,
            attempts=self.quota_attempts,
            timeout=self.seconds,
            wait_initial=self.first,
            wait_max=self.longest,
            wait_jitter=min(1.0, self.first),
        ):
            with attempt:
                return call()
        raise AssertionError("the last attempt returns or raises")


PATIENCE: Final = Patience()
