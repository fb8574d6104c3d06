"""How often an outside system may be called, kept in Redis for all workers together (GCRA).

Each caller takes the next free slot in the order in which Redis hears of it, and sleeps until then: first come, first
served, whichever process it comes from.
"""

import time
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

SAVED_SECONDS: Final = 0.1

# KEYS[1]: when the next slot is due, in microseconds of Redis's clock. ARGV: microseconds between two slots, and how
# many microseconds of slots an idle key has saved up. Answers the microseconds to wait.
TAKE_SLOT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, saved = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now - saved)
local next = string.format('%.0f', due + interval)
redis.call('SET', KEYS[1], next, 'PX', math.ceil((next - now + saved) / 1000) + 1)
return math.ceil(math.max(0, due - now))
"""


class PaceUnavailable(Exception):
    """Redis does not answer, so that nobody knows how often the others call; the message is one line."""


class Pace:
    """At most `per_second` calls a second over everyone who names the same `key`; None: no limit, and no Redis either.

    After a pause, a tenth of a second's calls may come at once; no other bursts. Safe to share between threads.
    """

    def __init__(self, connection_url: str, key: str, per_second: float | None) -> None:
        self._client = (
            Redis.from_url(connection_url, socket_timeout=5, socket_connect_timeout=5) if per_second else None
        )
        if self._client is not None and per_second:
            interval = 1_000_000 / per_second
            self._key, self._arguments = key, (interval, max(0.0, SAVED_SECONDS * 1_000_000 - interval))
            self._take_slot = self._client.register_script(TAKE_SLOT)

    def wait(self) -> None:
        """Return when it is this caller's turn. Raises PaceUnavailable; a slot that was not used is lost."""
        if self._client is None:
            return
        try:
            microseconds = self._take_slot(keys=[self._key], args=list(self._arguments))
        except RedisError as error:
            raise PaceUnavailable(f"The pace cannot be kept: Redis does not answer ({type(error).__name__}).") from None
        if microseconds:
            time.sleep(int(microseconds) / 1_000_000)

    def close(self) -> None:
        """Close the connections to Redis."""
        if self._client is not None:
            self._client.close()
