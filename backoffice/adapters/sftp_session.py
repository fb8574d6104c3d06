"""One SSH connection with its SFTP channel, made once and checked; nothing on it can wait for ever.

paramiko's Transport is used as it is: SSHClient would try a password after a key, and is silent about whether a fault
came before the login or in it.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey
from paramiko.sftp import CMD_NAME

from backoffice.adapters.reach import may_reach
from backoffice.adapters.sftp_types import Server, Unreachable, WrongHost, WrongLogin

KEEPALIVE_SECONDS: Final = 15
STEPS: Final = 4  # of a login, each of which may take its timeout
SLOWEST: Final = 20_000  # bytes a second: a transfer that is slower counts as stalled
KEY_KINDS: Final = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
RSA: Final = ("rsa-sha2-512", "rsa-sha2-256")

# What paramiko raises where the connection is at fault; TimeoutError is an OSError.
BROKEN: Final = (paramiko.SSHException, EOFError, OSError)


class _Names(paramiko.Message):
    """An answer with names. A server gives bytes, which need not be UTF-8; what is none is kept as surrogates."""

    def get_text(self) -> str:
        return self.get_string().decode("utf-8", "surrogateescape")


class Client(paramiko.SFTPClient):
    """paramiko's, of which one name that is not UTF-8 would spoil every listing."""

    def _request(self, t: int, *args: Any) -> tuple[int, paramiko.Message]:
        kind, answer = super()._request(t, *args)  # type: ignore[misc]
        return kind, _Names(answer.get_remainder()) if kind == CMD_NAME else answer


@dataclass(frozen=True, slots=True)
class Session:
    """An open channel of one login."""

    transport: paramiko.Transport
    sftp: paramiko.SFTPClient
    timeout: float

    @contextmanager
    def within(self, size: int = 0) -> Iterator[paramiko.SFTPClient]:
        """Hang up when what is done here with `size` bytes takes too long, whatever it is waiting for."""
        with _within(2 * self.timeout + size / SLOWEST, self.transport):
            yield self.sftp

    @property
    def open(self) -> bool:
        """Whether it can still be used: tells a refusal by the server from a broken connection."""
        channel = self.sftp.get_channel()
        return self.transport.is_active() and channel is not None and not channel.closed

    def close(self) -> None:
        self.transport.close()


def log_in(server: Server) -> Session:
    """One try. Raises WrongHost, WrongLogin, Unreachable."""
    known, name = _known_hosts(server), _name(server)
    kinds = list((known.lookup(name) or {}).keys())
    if not kinds:
        raise WrongHost(f"known_hosts holds no key of {name}: ask for the host's key and add its line.")
    key = _private_key(server.private_key) if server.private_key else None
    try:
        transport = paramiko.Transport(_connected(server))
    except BROKEN:
        raise Unreachable("connection") from None
    try:
        with _within(STEPS * server.timeout, transport):
            shown = _greet(transport, server, kinds)
            _verify(known, name, shown)
            _authenticate(transport, server, key)
            return Session(transport, _channel(transport, server), server.timeout)
    except BaseException:
        transport.close()
        raise


def _connected(server: Server) -> socket.socket:
    if not may_reach(server.host):
        raise ConnectionRefusedError
    connection = socket.create_connection((server.host, server.port), server.timeout)
    # Else the end of each write waits for the other side's delayed acknowledgement: 4 s for 4.5 MB on loopback.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


@contextmanager
def _within(seconds: float, transport: paramiko.Transport) -> Iterator[None]:
    """paramiko waits without a limit in places: for a subsystem, and in a send that the network does not take."""
    timer = threading.Timer(seconds, transport.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _name(server: Server) -> str:
    return server.host if server.port == 22 else f"[{server.host}]:{server.port}"


def _known_hosts(server: Server) -> paramiko.HostKeys:
    """Lines that are comments, marked or not to be read count for nothing."""
    known = paramiko.HostKeys()
    for line in server.known_hosts.splitlines():
        try:
            entry = HostKeyEntry.from_line(line.strip()) if line.strip() and line.lstrip()[0] not in "#@" else None
        except InvalidHostKey:
            continue
        if entry is not None and entry.hostnames and entry.key is not None:
            for host in entry.hostnames:
                known.add(host, entry.key.get_name(), entry.key)
    return known


def _private_key(text: str) -> paramiko.PKey:
    """Of OpenSSH's format or PEM. paramiko reads neither all of PEM nor all that others write as OpenSSH's."""
    pem = ("\n".join(text.strip().splitlines()) + "\n").encode()
    load = load_ssh_private_key if b"OPENSSH" in pem else load_pem_private_key
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        key = load(pem, None)
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
        for kind in KEY_KINDS:
            with suppress(paramiko.SSHException):
                return kind.from_private_key(StringIO(plain))
    raise WrongLogin("The private key cannot be read: it must be a whole key without a passphrase.")


def _greet(transport: paramiko.Transport, server: Server, kinds: list[str]) -> paramiko.PKey:
    """Agree on keys: the host's, which is asked for one of a kind that is known."""
    transport.banner_timeout = transport.auth_timeout = transport.channel_timeout = server.timeout
    options = transport.get_security_options()
    wanted = [one for kind in kinds for one in (RSA if kind == "ssh-rsa" else (kind,)) if one in options.key_types]
    options.key_types = (*wanted, *(one for one in options.key_types if one not in wanted))
    try:
        transport.start_client(timeout=server.timeout)  # returns without a word when the time is over
        return transport.get_remote_server_key()
    except BROKEN:
        raise Unreachable("connection") from None


def _verify(known: paramiko.HostKeys, name: str, shown: paramiko.PKey) -> None:
    if not known.check(name, shown):
        raise WrongHost(f"{name} shows another key than known_hosts holds: find out why before anybody connects.")


def _authenticate(transport: paramiko.Transport, server: Server, key: paramiko.PKey | None) -> None:
    try:
        more = transport.auth_publickey(server.user, key) if key else ["password"]
        if more and server.password:
            transport.auth_password(server.user, server.password)
    except paramiko.AuthenticationException as error:
        if "timeout" in str(error):
            raise Unreachable("login_timeout") from None
        if not transport.is_active():
            raise Unreachable("login_cut_off", passing=False) from None
    except BROKEN:
        raise Unreachable("login_cut_off", passing=False) from None
    if not transport.is_authenticated():
        raise WrongLogin("The login is refused: check user, password and key before anybody tries again.")


def _channel(transport: paramiko.Transport, server: Server) -> paramiko.SFTPClient:
    transport.set_keepalive(KEEPALIVE_SECONDS)
    try:
        channel = transport.open_session(timeout=server.timeout)
        channel.settimeout(server.timeout)
        channel.invoke_subsystem("sftp")
        return Client(channel)
    except BROKEN:
        raise Unreachable("connection") from None
