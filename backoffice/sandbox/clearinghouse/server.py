"""A clearinghouse behind a socket: SFTP with one account, the desk that answers, and /control for who runs it."""

import asyncio
import hmac
import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import asyncssh

from backoffice.sandbox.clearinghouse.control import control
from backoffice.sandbox.clearinghouse.desk import Desk
from backoffice.sandbox.clearinghouse.faults import clearinghouse_faults
from backoffice.sandbox.clearinghouse.files import Files
from backoffice.sandbox.faults import Faults
from backoffice.sandbox.http import HOST, HttpServer, Reply, Request
from backoffice.sandbox.listening import Listening
from backoffice.sandbox.peer import control_reply, json_reply

SWEEP_SECONDS: Final = 0.3  # a client has that long to look at what it sent
ENDING_SECONDS: Final = 2.0
logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it writes each request's path at INFO


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Who may log in. `key`: a public key that is taken as well, as a line of authorized_keys."""

    user: str = "clinic"
    password: str = field(repr=False)
    key: str = ""


class ClearinghouseServer(Listening):
    """Serves the mailbox in `folder` on 127.0.0.1; also a context manager. The host's key is kept in the folder.

    `sweeping`: whether files are taken by themselves; else by desk.sweep() alone.
    """

    def __init__(
        self,
        folder: Path,
        *,
        account: Account,
        token: str = "",
        port: int = 0,
        pay: bool = False,
        faults: Faults | None = None,
        sweeping: bool = True,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.account, self.token = account, token
        self.faults = faults or clearinghouse_faults()
        self.desk = Desk(folder, user=account.user, faults=self.faults, pay=pay, now=now)
        self.port, self.after_bytes, self.logins = port, 1000, Counter[str]()
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._key, self._sweeping = _host_key(folder / "host_key"), sweeping
        self._http = HttpServer(self._answer)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> Self:
        """Serve from now on; the same port again after a stop(). Raises OSError for a taken port."""
        self._stopping.clear()
        ready: list[OSError | None] = []
        bound = threading.Event()
        serving = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready, bound)), name="sandbox-sftp", daemon=True
        )
        sweeping = threading.Thread(target=self._sweep, name="sandbox-desk", daemon=True)
        serving.start()
        bound.wait()
        if ready and ready[0] is not None:
            raise ready[0]
        self._threads = [serving]
        if self._sweeping:
            sweeping.start()
            self._threads.append(sweeping)
        self._http.start()
        return self

    def stop(self) -> None:
        """Hang up and refuse connections."""
        self._stopping.set()
        self._http.stop()
        for thread in self._threads:
            thread.join()
        self._threads = []

    @property
    def known_hosts(self) -> str:
        """The line by which a client knows this host."""
        name = HOST if self.port == 22 else f"[{HOST}]:{self.port}"
        return f"{name} {self._key.export_public_key().decode().strip()}"

    def region_file(self) -> dict[str, Any]:
        """What a region's file says of this clearinghouse, without its password."""
        told = {
            "host": HOST, "port": self.port, "user": self.account.user, "known_hosts": self.known_hosts,
            "sender": "SANDBOX", "submitter": "SANDBOX CLINIC", "contact": "BILLING DESK", "phone": "2175550100",
        }  # fmt: skip
        return {"clearinghouse": told, "env_vars": {"SFTP_PASSWORD": "env:SANDBOX_SFTP_PASSWORD"}}

    async def _serve(self, ready: list[OSError | None], bound: threading.Event) -> None:
        try:
            server = await asyncssh.create_server(
                lambda: _Login(self), HOST, self.port, server_host_keys=[self._key],
                sftp_factory=lambda channel: Files(channel, self), reuse_address=True,
            )  # fmt: skip
        except OSError as error:
            ready.append(error)
            return
        finally:
            if ready:
                bound.set()
        self.port = int(server.sockets[0].getsockname()[1])
        bound.set()
        while not self._stopping.is_set():
            await asyncio.sleep(0.02)
        server.close()
        for connection in list(self.connections):
            connection.abort()
        if ending := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(ending, timeout=ENDING_SECONDS)  # they close what they have open

    def _sweep(self) -> None:
        while not self._stopping.wait(SWEEP_SECONDS):
            self.desk.sweep()

    def _answer(self, request: Request) -> Reply:
        if request.path != "/control" or request.method != "POST":
            return json_reply(404, {"error": "no such path"})
        return control_reply(request, self.token, partial(control, self))


class _Login(asyncssh.SSHServer):
    """One connection: the account's password or key, and nothing else."""

    def __init__(self, server: ClearinghouseServer) -> None:
        self._server = server
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._server.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._server.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return bool(self._server.account.key)

    async def validate_password(self, username: str, password: str) -> bool:
        server = self._server
        if server.faults.occasion(b"login").fires("slow_login"):
            await asyncio.sleep(server.faults.slow_seconds)
        account = server.account
        fits = username == account.user and hmac.compare_digest(password.encode(), account.password.encode())
        fits = fits and not server.faults.occasion(b"login").fires("refused_login")
        server.logins["accepted" if fits else "refused"] += 1
        return fits

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        server = self._server
        fits = username == server.account.user and key == asyncssh.import_public_key(server.account.key)
        server.logins["key accepted" if fits else "key refused"] += 1
        return fits


def _host_key(path: Path) -> asyncssh.SSHKey:
    """The one in the file, which is made where it is missing."""
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(key.export_private_key())
    return asyncssh.import_private_key(path.read_bytes())
