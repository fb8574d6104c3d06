"""What the commands of all peers do alike: a token, a port, and an end when they are told."""

import errno
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from backoffice.sandbox.refused import Refused

TOKEN_VARIABLE: Final = "NIGHTWARD_SANDBOX_TOKEN"  # noqa: S105 (a name, not a token)


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
