"""What a server of files is told and says, and how it can fail. No message holds what is in a file."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class SftpFault(Exception):
    """What was asked for was not done."""


class SftpRefused(SftpFault):
    """Nothing can succeed until somebody changes something; the message is one line that says what."""


class WrongHost(SftpRefused):
    """The host's key is not the one that known_hosts holds, or known_hosts holds none. No login was tried."""


class WrongLogin(SftpRefused):
    """The user, the password or the key is not taken. It was tried once: accounts are locked after a few failures."""


class WrongFolder(SftpRefused):
    """A folder is not there, or not open to this user."""


class Unreachable(SftpFault):
    """No connection, or it broke off, after the tries that make sense.

    `code` is "connection", "login_timeout", "login_cut_off" (never tried again: it may count as a failed login),
    "transfer" or "too_large" (a file beyond Server.max_bytes).
    """

    def __init__(self, code: str, *, passing: bool = True) -> None:
        super().__init__(code)
        self.code, self.passing = code, passing


class NotSent(SftpFault):
    """The file was certainly not handed over whole, after its tries; what there is of it was removed where possible.

    `code` is "connection", "refused" (the server does not take it), "size_differs" (a full disk) or "name_taken" (by
    another file, which is left alone). `begun`: it was begun, now or before, so that a piece of it may lie there.
    """

    def __init__(self, code: str, *, passing: bool = True) -> None:
        super().__init__(code)
        self.code, self.passing, self.begun = code, passing, False


class Changed(SftpFault):
    """The file is not, or is no longer, what the listing said: it is still being written, or has gone."""


class Sent(StrEnum):
    """SENT: the server has the whole file. UNCONFIRMED: it may have; only its answer or a person can tell."""

    SENT = "sent"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One account at one host. `known_hosts` is what such a file holds; with a `private_key` (its text) the password
    is sent only if the server asks for both. `upload_mode`: "rename" writes NAME.part first. `timeout`, in seconds, is
    how long nothing may happen. What may be tried again is tried `tries` times; `pause` is before the second, and
    doubles.
    """

    host: str
    user: str
    known_hosts: str
    port: int = 22
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    inbound: str = "inbound"
    outbound: str = "outbound"
    upload_mode: Literal["direct", "rename"] = "direct"
    timeout: float = 30.0
    tries: int = 3
    pause: float = 1.0
    max_bytes: int = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of `outbound`. `mtime` in whole seconds since 1970, as the server says. `name`: bytes that
    are no UTF-8 stand in it as \\xff; `raw` is then the name as the server has it."""

    name: str
    size: int
    mtime: int
    raw: bytes = field(default=b"", repr=False)
