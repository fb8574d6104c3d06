"""What the commands of all peers do alike: a token, a port, and an end when they are told."""

import errno
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from backoffice.sandbox.refused import Refused

STOPS: Final = "Ctrl-C stops it."
TOKEN_VARIABLE: Final = "NIGHTWARD_SANDBOX_TOKEN"  # noqa: S105 (a name, not a token)


Say = Callable[[str], object]


class Peer(Protocol):
    """What can be started."""

    @property
    def port(self) -> int: ...
    def start(self) -> object: ...


def token_of(given: str | None) -> tuple[str, str]:
    """The token, and words on where it is from: itself only where nobody else knows it."""
    if given:
        return given, "from --token"
    if token := os.environ.get(TOKEN_VARIABLE):
        return token, f"from {TOKEN_VARIABLE}"
    token = secrets.token_urlsafe(18)
    return token, token


def start(peer: Peer) -> None:
    """Begin to serve. Raises Refused for a taken port."""
    try:
        peer.start()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise Refused(f"port {peer.port}: {error.strerror}") from error
        raise Refused(f"port {peer.port} is taken; choose another with --port") from error


@contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, instead of what they did before."""
    told = threading.Event()
    before = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def until_told(
    served: Callable[[dict[str, Any], Path, Say], AbstractContextManager[None]],
) -> Callable[[dict[str, Any], Path, Say], None]:
    """A command's `run`: what `served` serves within a block, until Ctrl-C or SIGTERM. Raises what `served` raises."""

    def run(options: dict[str, Any], home: Path, say: Say) -> None:
        with told_to_stop() as told, served(options, home, say):
            told.wait()

    return run
