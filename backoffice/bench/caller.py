"""An asyncio client that times what it asks, and what came of it in figures."""

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2

TIMEOUT = 60.0
SLOT_TAKEN = "slot_taken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request. `status` 0: no answer, and `code` says why; else `code` is that of the error in the answer."""

    kind: str
    status: int
    code: str
    seconds: float

    @property
    def fault(self) -> str:
        """What the error is; empty for an answer. 409 is one: it says that somebody else was first."""
        if self.status == 0:
            return self.code
        return str(self.status) if self.status >= 400 and self.status != 409 else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    status: int
    body: Any
    headers: httpx2.Headers


class Caller:
    """A client of one address; `calls` is what it has asked so far. Idle connections are left before gunicorn does."""

    def __init__(self, address: str, headers: dict[str, str], *, connections: int) -> None:
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=1.0)
        self._client = httpx2.AsyncClient(
            base_url=f"{address}/api/v1", headers=headers, timeout=TIMEOUT, limits=limits, trust_env=False
        )
        self.calls: list[Call] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def ask(self, kind: str, method: str, path: str, **given: Any) -> Answer:
        """The answer, whatever its status; status 0 where none came."""
        began = time.perf_counter()
        try:
            response = await self._client.request(method, path, **given)
        except httpx2.TransportError as error:
            self._note(kind, 0, type(error).__name__, began)
            return Answer(status=0, body=None, headers=httpx2.Headers())
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        body = response.json() if is_json and response.content else None
        code = body["error"]["code"] if response.status_code >= 400 and isinstance(body, dict) else ""
        self._note(kind, response.status_code, code, began)
        return Answer(status=response.status_code, body=body, headers=response.headers)

    def _note(self, kind: str, status: int, code: str, began: float) -> None:
        self.calls.append(Call(kind=kind, status=status, code=code, seconds=time.perf_counter() - began))


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Of a number of calls; times in milliseconds. `faults`: how many of each status, or of each way to get none."""

    calls: int
    p50: float
    p95: float
    p99: float
    taken: int
    refused: int
    faults: Counter[str] = field(default_factory=Counter)


def figures(calls: Sequence[Call]) -> Figures:
    """What the calls come to."""
    times = sorted(call.seconds for call in calls)
    codes = Counter(call.code for call in calls if call.status == 409)
    return Figures(
        calls=len(calls), p50=1000 * percentile(times, 50), p95=1000 * percentile(times, 95),
        p99=1000 * percentile(times, 99), taken=codes[SLOT_TAKEN], refused=codes.total() - codes[SLOT_TAKEN],
        faults=Counter(call.fault for call in calls if call.fault),
    )  # fmt: skip


def percentile(ordered: Sequence[float], share: int) -> float:
    """The smallest of the ordered values that so many of a hundred do not pass; 0 of none."""
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)] if ordered else 0.0


def counted(faults: Iterable[tuple[str, int]]) -> str:
    """In a cell: `503: 4, ReadTimeout: 1`, or 0."""
    return ", ".join(f"{name}: {number:,}" for name, number in sorted(faults)) or "0"
