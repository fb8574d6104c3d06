"""Who runs: each long process says every few seconds that it is there, what it takes, and what it logged last.

All of it lies in Redis for as long as it is of use; nothing else depends on it. A process that ends in good order takes
its row away; one that was killed leaves it, and is seen to be gone within half a minute [S4-22] [S4-23]. The names of
processes are those of the Procfile: web, worker, publisher, consumer-notification, …
"""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from backoffice.keyring import key_ids
from backoffice.logs import LastLines
from backoffice.queue_server import connect

PROCESSES, LEFT, RESTARTS = "nightward:processes", "nightward:left", "nightward:restarts"
LOG = "nightward:log:"
# In beats of settings.PRESENCE_SECONDS.
GONE_AFTER = 6
REMEMBERED = timedelta(days=1)
KEPT_LINES = 500  # of each name
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """One that runs, or was seen to. `memory`: resident bytes; `cpu`: seconds of processor time since it started;
    `keys`: ids of the keys that it opens secrets with."""

    name: str
    host: str
    pid: int
    started: datetime
    seen: datetime
    memory: int = 0
    cpu: float = 0.0
    version: str = ""
    keys: Sequence[str] = ()

    @property
    def key(self) -> str:
        return f"{self.name}@{self.host}:{self.pid}:{self.started.timestamp():.3f}"

    def here(self, now: datetime) -> bool:
        return now - self.seen <= silence()

    def load(self) -> float:
        """Processors that it has used on the average: 1.0 is one, all the time."""
        return self.cpu / max((self.seen - self.started).total_seconds(), 1.0)


@dataclass(kw_only=True)
class Presence:
    """This process's own row. `on_restart` is called once, when somebody has asked for a restart since it started."""

    name: str
    on_restart: Callable[[], object]
    pid: int = field(default_factory=os.getpid)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    restarting: bool = False
    _said_at: float = 0.0

    def say(self) -> None:
        """beat(), where the last one is some seconds old. For processes that fork: of a thread of ours, a lock might be
        held in the process that is forked."""
        now = time.monotonic()
        if now >= self._said_at + settings.PRESENCE_SECONDS:
            self._said_at = now
            self.beat()

    def beat(self) -> None:
        """Say that we are here, hand over what was logged, and look whether a restart is asked for."""
        mine = self._now()
        with suppress(RedisError), connect() as client:
            client.hset(PROCESSES, mine.key, _text(mine))
            flush(self.name, client)
            asked = client.hget(RESTARTS, self.name)
            if asked and not self.restarting and float(asked) > self.started.timestamp():
                self.restarting = True
                self.on_restart()

    def leave(self) -> None:
        """In good order."""
        with suppress(RedisError), connect() as client:
            flush(self.name, client)
            client.hdel(PROCESSES, self._now().key)
            client.hset(LEFT, self.name, str(datetime.now(UTC).timestamp()))

    def _now(self) -> Process:
        used = os.times()
        return Process(
            name=self.name, host=socket.gethostname(), pid=self.pid, started=self.started, seen=datetime.now(UTC),
            memory=_resident(), cpu=used.user + used.system, version=settings.VERSION,
            keys=key_ids(settings.FIELD_KEYS),
        )  # fmt: skip

    def keep_up(self) -> None:
        """Beat in a thread of its own, as long as the process lives."""
        threading.Thread(target=self._beat_on, name="presence", daemon=True).start()

    def _beat_on(self) -> None:
        pause = threading.Event()
        self.beat()
        while not pause.wait(settings.PRESENCE_SECONDS):
            self.beat()


@contextmanager
def present(name: str, on_restart: Callable[[], object]) -> Iterator[None]:
    """A process of the name is there for as long as this lasts. `on_restart` is to end it in good order; after that it
    begins again where somebody asked for it."""
    presence = Presence(name=name, on_restart=on_restart)
    presence.keep_up()
    try:
        yield
    finally:
        presence.leave()
    if presence.restarting:
        run_again()


def silence() -> timedelta:
    """After so long without a word a process is gone."""
    return timedelta(seconds=GONE_AFTER * settings.PRESENCE_SECONDS)


def run_again() -> None:
    """Put this very command, with the code as it is now, in the place of this process."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (our own command line)


def processes() -> list[Process]:
    """All that were seen within a day, by name and age; RedisError where there is no queue."""
    now = datetime.now(UTC)
    with connect() as client:
        rows: dict[bytes, bytes] = client.hgetall(PROCESSES)
        found = {key: _read(text) for key, text in rows.items()}
        old = [key for key, one in found.items() if now - one.seen > REMEMBERED]
        if old:
            client.hdel(PROCESSES, *old)
    return sorted((one for key, one in found.items() if key not in old), key=lambda one: (one.name, one.started))


def gone(found: list[Process], now: datetime) -> list[Process]:
    """Those that ended without a word and in whose place no other of the name has come since."""
    here = [one for one in found if one.here(now)]
    return [
        one
        for one in found
        if not one.here(now) and not any(each.name == one.name and each.started > one.seen for each in here)
    ]


def left() -> dict[str, datetime]:
    """When the last one of a name ended in good order, within a day."""
    now = datetime.now(UTC)
    with connect() as client:
        rows: dict[bytes, bytes] = client.hgetall(LEFT)
    ends = {name.decode(): datetime.fromtimestamp(float(at), UTC) for name, at in rows.items()}
    return {name: at for name, at in ends.items() if now - at <= REMEMBERED}


def ask_for_restart(name: str) -> None:
    """Of each process of the name, as it next looks; RedisError where there is no queue."""
    with connect() as client:
        client.hset(RESTARTS, name, str(datetime.now(UTC).timestamp()))


def forget(key: str) -> bool:
    """Take a process that will not come back off the list, by its key, or all that have left, by their name; whether
    it was on it."""
    with connect() as client:
        return bool(client.hdel(PROCESSES, key)) | bool(client.hdel(LEFT, key))


def _text(process: Process) -> str:
    return json.dumps(asdict(process), default=datetime.isoformat)


def _read(text: bytes) -> Process:
    known = {each.name for each in fields(Process)}  # a process of a later version may say more
    values: dict[str, Any] = {name: value for name, value in json.loads(text).items() if name in known}
    for name in ("started", "seen"):
        values[name] = datetime.fromisoformat(values[name])
    return Process(**values)


def _resident() -> int:
    """Bytes; 0 where the system does not say (Linux does)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as figures:
            return int(figures.read().split()[1]) * PAGE_BYTES
    except OSError:
        return 0


def flush(name: str, client: Redis) -> None:
    """Hand the held lines over, to those that are kept of the name."""
    if lines := LastLines.taken():
        with client.pipeline(transaction=False) as pipeline:
            pipeline.rpush(LOG + name, *lines)
            pipeline.ltrim(LOG + name, -KEPT_LINES, -1)
            pipeline.expire(LOG + name, REMEMBERED * 7)
            pipeline.execute()


def hand_over(name: str) -> None:
    """The lines of a process that ends; they are lost where there is no queue."""
    with suppress(RedisError), connect() as client:
        flush(name, client)


def logged() -> list[str]:
    """The names of which lines are kept."""
    with connect() as client:
        return sorted(key.decode()[len(LOG) :] for key in client.scan_iter(f"{LOG}*", count=1000))


def last_lines(name: str, most: int) -> list[dict[str, Any]]:
    """The newest first, as they were logged."""
    with connect() as client:
        lines: list[bytes] = client.lrange(LOG + name, -most, -1)
    return [json.loads(line) for line in reversed(lines)]
