"""What a peer does wrong on purpose.

A fault happens by rate or a counted number of times. A rate is decided by a hash of the seed, the fault's kind, the
request's bytes and how often these bytes came before: so a run repeats whatever order its threads arrive in.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

REFUSALS: Final = ("BLOCK_REJECTED", "BLOCK_NOT_VALID", "BLOCK_ALREADY_BILLED")


class Faults:
    """The faults of one peer, each of `kinds`; may be changed by any thread while it serves.

    Beside them block:CODE, which only a hospital heeds: its value is the BLOCK_* code that refuses block CODE in every
    write.
    """

    def __init__(
        self, kinds: Sequence[str], *, seed: int = 0, slow_seconds: float = 60.0, retry_after: int = 1
    ) -> None:
        self._kinds = kinds
        self.slow_seconds = slow_seconds
        self.retry_after = retry_after
        self.fired: Counter[str] = Counter()
        self.refused_blocks: dict[str, str] = {}
        self._seed = seed
        self._rates: dict[str, float] = {}
        self._counted: Counter[str] = Counter()
        self._attempts: Counter[bytes] = Counter()
        self._lock = threading.Lock()

    def set(self, kind: str, value: float | str) -> None:
        """Set a rate (0..1, or text such as "0.01" or "1%") or a block's refusal. Raises ValueError."""
        if kind.startswith("block:"):
            self._refuse_block(kind.removeprefix("block:"), str(value))
            return
        self._check(kind)
        rate = _rate(value)
        with self._lock:
            if rate:
                self._rates[kind] = rate
            else:
                self._rates.pop(kind, None)

    def set_text(self, text: str) -> None:
        """Set from "KIND=VALUE", as --fail takes it. Raises ValueError."""
        kind, equals, value = text.rpartition("=")
        if not equals:
            raise ValueError(f"{text!r} is not KIND=RATE")
        self.set(kind, value)

    def next(self, kind: str, times: int = 1) -> None:
        """Let `kind` happen on the next `times` occasions, whatever its rate. Raises ValueError."""
        self._check(kind)
        with self._lock:
            self._counted[kind] += times

    def clear(self) -> None:
        """Behave from now on. What has fired stays counted."""
        with self._lock:
            self._rates.clear()
            self._counted.clear()
            self._attempts.clear()
            self.refused_blocks = {}

    def as_dict(self) -> dict[str, float | str]:
        """The rates and refusals that are set, in the words of set()."""
        with self._lock:
            return {**self._rates, **{f"block:{code}": error for code, error in self.refused_blocks.items()}}

    def occasion(self, body: bytes) -> "Occasion":
        """What may go wrong with one request."""
        if not self._rates:
            return Occasion(self, b"")
        digest = blake2b(body, digest_size=8).digest()
        with self._lock:
            self._attempts[digest] += 1
            attempt = self._attempts[digest]
        return Occasion(self, digest + attempt.to_bytes(4, "big"))

    def fires(self, kind: str, subject: bytes) -> bool:
        """Whether `kind` happens to `subject`; counts it when it does."""
        if kind not in self._rates and kind not in self._counted:
            return False
        with self._lock:
            happens = self._count_down(kind) or self._roll(kind, subject) < self._rates.get(kind, 0.0)
            self.fired[kind] += happens
        return happens

    def _refuse_block(self, code: str, error: str) -> None:
        if not code or error not in REFUSALS:
            raise ValueError(f"block:{code} takes one of {', '.join(REFUSALS)}")
        with self._lock:
            self.refused_blocks = {**self.refused_blocks, code: error}

    def _check(self, kind: str) -> None:
        if kind not in self._kinds:
            raise ValueError(f"{kind!r} is none of {', '.join(self._kinds)}, block:CODE")

    def _count_down(self, kind: str) -> bool:
        left = self._counted.pop(kind, 0)
        if left > 1:
            self._counted[kind] = left - 1
        return left > 0

    def _roll(self, kind: str, subject: bytes) -> float:
        material = f"{self._seed}:{kind}:".encode() + subject
        return int.from_bytes(blake2b(material, digest_size=8).digest(), "big") / 2**64


class Occasion:
    """One request's share of the faults."""

    __slots__ = ("_faults", "_subject")

    def __init__(self, faults: Faults, subject: bytes) -> None:
        self._faults = faults
        self._subject = subject

    def fires(self, kind: str, detail: str = "") -> bool:
        """Whether `kind` happens to this request; `detail` tells apart several fields of one request."""
        return self._faults.fires(kind, self._subject + detail.encode())


def _rate(value: float | str) -> float:
    try:
        rate = float(value[:-1]) / 100 if isinstance(value, str) and value.endswith("%") else float(value)
    except ValueError:
        rate = -1.0
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"{value!r} is no rate: 0..1 or 0%..100%")
    return rate
