"""SMTP (RFC 5321) behind a socket, with enhanced status codes (RFC 3463), and /control for who runs it.

An address that begins with bounce- is unknown here (550), one with full- has a full mailbox (552), one with later- is
asked to come again (451); `refusals` has other ones by address.
"""

import asyncio
import hmac
import logging
import threading
from email import message_from_bytes, policy
from typing import Any, Final, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from backoffice.sandbox.control import COMMON, carry_out, state_of
from backoffice.sandbox.faults import Faults
from backoffice.sandbox.http import HOST, HttpServer, Reply, Request
from backoffice.sandbox.listening import Listening
from backoffice.sandbox.peer import Json, control_reply, json_reply
from backoffice.sandbox.traffic import Traffic

# Refused at each step; drop: hang up instead of taking the text; drop_after and slow_after: when it was taken.
REPLIES: Final = {
    "mail_550": "550 5.7.1 Sender rejected",
    "rcpt_450": "450 4.2.0 Mailbox busy",
    "rcpt_550": "550 5.1.1 No such user here",
    "data_451": "451 4.3.0 Local error in processing",
    "data_554": "554 5.7.1 Message refused by policy",
}
KINDS: Final = (*REPLIES, "drop", "drop_after", "slow_after")
BY_ADDRESS: Final = {
    "bounce-": "550 5.1.1 No such user here",
    "full-": "552 5.2.2 Mailbox full",
    "later-": "451 4.7.1 Greylisted, come again later",
}
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # it writes addresses, and a trace for each lost connection


def smtp_faults(*, seed: int = 0, slow_seconds: float = 60.0) -> Faults:
    """None yet."""
    return Faults(KINDS, seed=seed, slow_seconds=slow_seconds)


class MailServer(Listening):
    """Serves on 127.0.0.1; also a context manager. With a `password`, `user` must log in. `token` is for /control."""

    def __init__(
        self, *, port: int = 0, user: str = "clinic", password: str = "", token: str = "", faults: Faults | None = None
    ) -> None:
        self.port, self.user, self.password, self.token = port, user, password, token
        self.faults, self.traffic, self.latency_ms = faults or smtp_faults(), Traffic(), 0.0
        self.refusals: dict[str, str] = {}
        self.messages: list[Json] = []
        self._http = HttpServer(self._answer)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Serve from now on; the same port again after a stop(). Raises OSError for a taken port."""
        self._stopping.clear()
        failed: list[OSError] = []
        bound = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(failed, bound)), name="sandbox-smtp", daemon=True
        )
        self._thread.start()
        bound.wait()
        if failed:
            raise failed[0]
        self._http.start()
        return self

    def stop(self) -> None:
        """Hang up and refuse connections."""
        self._stopping.set()
        self._http.stop()
        if self._thread is not None:
            self._thread.join()

    def control(self, orders: Any) -> Json:
        """Carry out orders; {"refusals": {address: "550 5.1.1 …"}} beside the common ones. Raises BadControl."""
        carry_out(self, orders, {**COMMON, "refusals": lambda server, given: server.refusals.update(given)})
        listed = "messages" in orders.get("list", [])
        return {**state_of(self), "messages": list(self.messages) if listed else len(self.messages)}

    def fires(self, kind: str, subject: str) -> bool:
        """Whether `kind` happens now."""
        return self.faults.occasion(subject.encode()).fires(kind)

    def keep(self, envelope: Envelope) -> None:
        """A message has arrived."""
        content = envelope.content
        mail = message_from_bytes(content if isinstance(content, bytes) else b"", policy=policy.default)
        text = mail.get_body(("plain",)) if hasattr(mail, "get_body") else None
        self.traffic.count("message")
        self.messages.append(
            {
                "from": envelope.mail_from,
                "to": list(envelope.rcpt_tos),
                "subject": str(mail["subject"] or ""),
                "message_id": str(mail["message-id"] or ""),
                "text": text.get_content() if text is not None else "",
                "parts": [part.get_content_type() for part in mail.walk()],
            }
        )

    async def _serve(self, failed: list[OSError], bound: threading.Event) -> None:
        connections: set[_Connection] = set()
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(lambda: _Connection(self, connections), HOST, self.port)
        except OSError as error:
            failed.append(error)
            return
        finally:
            if failed:
                bound.set()
        self.port = int(server.sockets[0].getsockname()[1])
        bound.set()
        while not self._stopping.is_set():
            await asyncio.sleep(0.02)
        server.close()
        for connection in list(connections):
            connection.hang_up()

    def _answer(self, request: Request) -> Reply:
        if request.path != "/control" or request.method != "POST":
            return json_reply(404, {"error": "no such path"})
        return control_reply(request, self.token, self.control)


class _Connection(SMTP):
    """One client."""

    def __init__(self, server: MailServer, connections: "set[_Connection]") -> None:
        super().__init__(
            _Handler(server),
            hostname="sandbox.localhost",
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=lambda *told: _logged_in(server, told[-1]),
        )
        self._server, self._connections = server, connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        """End it without a word."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 (aiosmtpd's name)
        if self._server.fires("drop", "data"):
            self.hang_up()
        else:
            await super().smtp_DATA(arg)


class _Handler:
    """What is said to each command."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's names)
        self, connection: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._server.password and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if self._server.fires("mail_550", address):
            return REPLIES["mail_550"]
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, connection: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        for beginning, reply in {**BY_ADDRESS, **self._server.refusals}.items():
            if address.startswith(beginning):
                return reply
        for kind in ("rcpt_450", "rcpt_550"):
            if self._server.fires(kind, address):
                return REPLIES[kind]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, connection: "_Connection", session: Session, envelope: Envelope) -> str:  # noqa: N802
        server, subject = self._server, "".join(envelope.rcpt_tos)
        for kind in ("data_451", "data_554"):
            if server.fires(kind, subject):
                return REPLIES[kind]
        server.keep(envelope)
        if server.fires("slow_after", subject):
            await asyncio.sleep(server.faults.slow_seconds)
        if server.fires("drop_after", subject):
            connection.hang_up()
        return f"250 2.0.0 OK: queued as {len(server.messages)}"


def _logged_in(server: MailServer, data: Any) -> AuthResult:
    fits = isinstance(data, LoginPassword) and data.login == server.user.encode()
    fits = fits and hmac.compare_digest(data.password, server.password.encode())
    return AuthResult(success=fits, handled=False)  # not handled: 535 is still to be said
