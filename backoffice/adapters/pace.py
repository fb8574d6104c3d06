"""How often an outside system may be called, kept in Redis for all workers together (GCRA).

Each caller takes the next free slot in the order in which Redis hears of it, and sleeps until then: first come, first
served, whichever process it comes from.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

SAVED_SECONDS: Final = 0.1

# KEYS[1]: when the next slot is due, in microseconds of Redis's clock; KEYS[2]: until when nobody is to call. ARGV:
# microseconds that the caller's slots last together, and how many microseconds of slots an idle key has saved up.
# Answers the microseconds to wait.
TAKE_SLOT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local taken, saved = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now - saved, tonumber(redis.call('GET', KEYS[2]) or 0))
local next = string.format('%.0f', due + taken)
redis.call('SET', KEYS[1], next, 'PX', math.ceil((next - now + saved) / 1000) + 1)
return math.ceil(math.max(0, due - now))
"""

# KEYS[1]: until when nobody is to call; KEYS[2]: when the next slot is due. ARGV: microseconds from now. Slots that
# were given out before are void, since whoever holds one takes another after the pause; a longer pause stays.
HOLD: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local till = now + tonumber(ARGV[1])
if till > tonumber(redis.call('GET', KEYS[1]) or 0) then
    redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX', math.max(1, math.floor(tonumber(ARGV[1]) / 1000)))
    redis.call('DEL', KEYS[2])
end
"""


# KEYS as of TAKE_SLOT. Answers 1 where the next slot is due.
IS_FREE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(redis.call('GET', KEYS[2]) or 0))
return due <= now and 1 or 0
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
            self._slot = 1_000_000 / per_second
            self._saved = max(0.0, SAVED_SECONDS * 1_000_000 - self._slot)
            self._key, self._held_key = key, f"{key}:held"
            self._take_slot = self._client.register_script(TAKE_SLOT)
            self._hold = self._client.register_script(HOLD)
            self._is_free = self._client.register_script(IS_FREE)

    def wait(self, slots: int = 1) -> None:
        """Return when it is this caller's turn, to use `slots` at once; who comes after it waits for them all.

        Raises PaceUnavailable; a slot that was not used is lost. Whoever is still waiting when a pause begins takes its
        place again after it, so that the pause does not end in a burst.
        """
        while self._client is not None:
            microseconds = _answer(
                lambda: self._take_slot(keys=[self._key, self._held_key], args=[self._slot * slots, self._saved])
            )
            if not microseconds:
                return
            time.sleep(int(microseconds) / 1_000_000)
            if not _answer(lambda: self._client and self._client.exists(self._held_key)):
                return

    def is_free(self) -> bool:
        """Whether a caller would not have to wait as things are; nobody's turn is taken. Raises PaceUnavailable."""
        if self._client is None:
            return True
        free = _answer(lambda: self._is_free(keys=[self._key, self._held_key]))
        return bool(free)

    def hold(self, seconds: float) -> None:
        """Let nobody who names this key call within the next `seconds`. Raises PaceUnavailable."""
        if self._client is not None and seconds > 0:
            _answer(lambda: self._hold(keys=[self._held_key, self._key], args=[seconds * 1_000_000]))

    def close(self) -> None:
        """Close the connections to Redis."""
        if self._client is not None:
            self._client.close()


def _answer(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except RedisError as error:
        raise PaceUnavailable(f"The pace cannot be kept: Redis does not answer ({type(error).__name__}).") from None
