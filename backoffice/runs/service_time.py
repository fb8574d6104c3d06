"""How long a queue's job, or a consumer's event, takes: sums by the hour on the queue's server, kept two hours."""

import time
from contextlib import suppress
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

HOUR = 3600
KEPT_SECONDS = 2 * HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """`count` of them took `seconds` of somebody's time, in the last `span` seconds."""

    count: int = 0
    seconds: float = 0.0
    span: float = HOUR

    @property
    def each(self) -> float | None:
        """Seconds that one takes; None where there was none."""
        return self.seconds / self.count if self.count else None

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.span


def note(client: Redis, name: str, count: int, seconds: float) -> None:
    """`count` more of them took `seconds` together. A measure is no reason to fail: what cannot be noted is not."""
    key = _key(time.time())
    with suppress(RedisError), client.pipeline(transaction=False) as pipeline:
        pipeline.hincrby(key, f"{name}/count", count)
        pipeline.hincrbyfloat(key, f"{name}/seconds", seconds)
        pipeline.expire(key, KEPT_SECONDS)
        pipeline.execute()


def measured(client: Redis, name: str) -> Measured:
    """Of this hour and the last one."""
    now = time.time()
    count, seconds = 0, 0.0
    for key in (_key(now), _key(now - HOUR)):
        found = client.hmget(key, f"{name}/count", f"{name}/seconds")
        count, seconds = count + int(found[0] or 0), seconds + float(found[1] or 0)
    return Measured(count=count, seconds=seconds, span=HOUR + now % HOUR)


def of_queue(name: str) -> str:
    return f"queue/{name}"


def of_consumer(name: str) -> str:
    return f"consumer/{name}"


def _key(at: float) -> str:
    return f"nightward:service:{int(at) // HOUR}"
