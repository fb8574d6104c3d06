"""How many replicas a process needs, from what waits, how long it has waited, and how long one takes. Pure."""

import math
from dataclasses import dataclass

# Replicas that only just keep up fall behind at the next peak.
BUSY_SHARE = 0.8
# However old the oldest is, it cannot be worked off in no time.
LEAST_SHARE_OF_TIME = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """`lag`: how many wait. `oldest`: seconds for which the first of them has. `service`: seconds that one takes, None
    where none was measured. `rate`: how many come, a second."""

    lag: int
    oldest: float = 0.0
    service: float | None = None
    rate: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """`least` is kept whatever the load; with `most` 0 the process is off, and stays so. `per`: how many one replica is
    meant to have waiting, where nobody knows how long one takes."""

    least: int
    most: int
    per: int = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """`replicas`; `capped`: more would be needed than are allowed. `per`: how many may wait for each replica."""

    replicas: int
    per: int
    capped: bool = False


def advise(load: Load, bounds: Bounds, *, within: float) -> Advice:
    """So many that what comes is kept up with, and that what waits is worked off before the oldest of it has waited for
    `within` seconds, or else in a quarter of that time."""
    service = within / bounds.per if load.service is None else load.service
    left = max(within - load.oldest, within * LEAST_SHARE_OF_TIME)
    needed = math.ceil(load.rate * service / BUSY_SHARE + load.lag * service / left)
    replicas = min(max(needed, bounds.least), bounds.most)
    return Advice(replicas=replicas, per=per_replica(load.service, bounds, within), capped=needed > bounds.most > 0)


def per_replica(service: float | None, bounds: Bounds, within: float) -> int:
    """How many one replica works off in that time; what KEDA calls listLength and lagCount."""
    if service is None or service <= 0:
        return bounds.per
    return max(1, min(int(within / service), 10_000))
