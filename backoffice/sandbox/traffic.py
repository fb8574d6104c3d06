"""What a peer has seen: calls by name, requests in flight, the idempotency keys of writes."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Traffic:
    """Counts of one peer, exact under threads. calls counts what was carried out: a request that a fault kept from
    being executed is in requests only.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.max_in_flight = 0
        self.calls: Counter[str] = Counter()
        self.keys_received: list[str] = []
        self._in_flight = 0
        self._lock = threading.Lock()

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request from its arrival to its answer."""
        with self._lock:
            self.requests += 1
            self._in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self._in_flight)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    def count(self, field: str) -> None:
        """One call of this name."""
        with self._lock:
            self.calls[field] += 1

    def reset(self) -> None:
        """Count from zero; requests in flight stay in flight."""
        with self._lock:
            self.requests = 0
            self.max_in_flight = self._in_flight
            self.calls = Counter()
            self.keys_received = []
