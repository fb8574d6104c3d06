"""What the tests of the SFTP adapter say again and again."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backoffice.adapters.sftp import Server
from backoffice.sandbox.clearinghouse import ClearinghouseServer

USER, PASSWORD = "clinic", "s3cret-of-the-mailbox"
NAME = "OATEST_837P_MED_20260302140509_000000007.txt"
CONTENT = bytes(range(256)) * 400  # 102,400 bytes: four writes
STRANGER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBlsF4NU2mKFLL1eM5kAn8bDXcKZBRhGh1Zqc0rFVqLW"


def account(server: ClearinghouseServer, **changes: Any) -> Server:
    """How the adapter is told of it, with little patience."""
    told: dict[str, Any] = {
        "host": "127.0.0.1", "port": server.port, "user": USER, "password": PASSWORD,
        "known_hosts": server.known_hosts, "timeout": 5.0, "pause": 0.01,
    }  # fmt: skip
    return Server(**{**told, **changes})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def talking(talk: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port where `talk` has each connection in a thread of its own, which stays open until the end."""
    connections: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()
    thread.join()
