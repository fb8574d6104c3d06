"""A clearinghouse's mailbox over SFTP: one folder to put files in, one to take files from.

What was measured of servers and clients stands in docs/decisions/0063-sftp.md.
"""

import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

import paramiko
import stamina

from backoffice.adapters.calls import asked
from backoffice.adapters.sftp_session import BROKEN, Session, log_in
from backoffice.adapters.sftp_types import Changed as Changed
from backoffice.adapters.sftp_types import NotSent as NotSent
from backoffice.adapters.sftp_types import RemoteFile as RemoteFile
from backoffice.adapters.sftp_types import Sent as Sent
from backoffice.adapters.sftp_types import Server as Server
from backoffice.adapters.sftp_types import SftpFault as SftpFault
from backoffice.adapters.sftp_types import SftpRefused as SftpRefused
from backoffice.adapters.sftp_types import Unreachable as Unreachable
from backoffice.adapters.sftp_types import WrongFolder as WrongFolder
from backoffice.adapters.sftp_types import WrongHost as WrongHost
from backoffice.adapters.sftp_types import WrongLogin as WrongLogin
from backoffice.adapters.sftp_upload import PART, Upload, size_at

Value = TypeVar("Value")


@contextmanager
def connect(server: Server) -> Iterator["Mailbox"]:
    """Log in, and out at the end. Raises WrongHost, WrongLogin, and Unreachable after three tries."""
    mailbox = Mailbox(server)
    with closing(mailbox):
        mailbox.log_in()
        yield mailbox


class Mailbox:
    """The folders of one account, for one thread. After a broken connection it makes another."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._session: Session | None = None

    def put(self, name: str, content: bytes, *, begun: bool = False) -> Sent:
        """Hand over one file. Raises NotSent where it certainly did not arrive whole, after three tries.

        Called again with the same bytes, and `begun`, it goes on from whatever is there; what is there of a file that
        was not begun is another's, and stays. A file that the server may have is not sent again: UNCONFIRMED.
        """
        server = self._server
        upload = Upload(f"{server.inbound}/{name}", content, server.upload_mode == "rename", ours=begun)
        try:
            return self._put(upload)
        except NotSent as fault:
            fault.begun = upload.ours
            raise

    def _put(self, upload: Upload) -> Sent:
        try:
            return self._patiently("put", lambda: upload.attempt(self._session or self._log_in()))
        except SftpFault as fault:
            self.close()
            return self._settled(upload, fault)

    def _settled(self, upload: Upload, fault: SftpFault) -> Sent:
        """What is known when `fault` lets no further attempt be made. Raises it or NotSent, if that is certain."""
        if not upload.written:
            raise NotSent("connection") if isinstance(fault, Unreachable) else fault
        try:
            return Sent.UNCONFIRMED if isinstance(fault, SftpRefused) else upload.settled(self._log_in())
        except (SftpRefused, Unreachable):
            return Sent.UNCONFIRMED

    def size_of(self, name: str) -> int | None:
        """How much of a file that was put there still is. None: it was taken, or never came. Raises Unreachable."""
        return self._ask("look", lambda sftp: size_at(sftp, f"{self._server.inbound}/{name}"))

    def listing(self) -> list[RemoteFile]:
        """The files to take, by name; no folders, no NAME.part, nothing empty. Raises WrongFolder, Unreachable."""
        entries = self._ask("list", lambda sftp: sftp.listdir_attr(self._server.outbound))
        files = [_file(one) for one in entries if _is_file(one)]
        return sorted((one for one in files if one.size and not one.name.endswith(PART)), key=lambda one: one.name)

    def get(self, file: RemoteFile) -> bytes:
        """The whole file as it was listed; nothing is removed there. Raises Changed, Unreachable."""
        if file.size > self._server.max_bytes:
            raise Unreachable("too_large", passing=False)
        path = self._server.outbound.encode() + b"/" + (file.raw or file.name.encode())
        return self._ask("get", lambda sftp: _read(sftp, path, file), file.size)

    def check(self) -> None:
        """See that both folders are there; nothing is written. Raises WrongFolder, Unreachable."""
        for folder in (self._server.inbound, self._server.outbound):
            mode = self._ask("look", lambda sftp, folder=folder: sftp.stat(folder)).st_mode  # type: ignore[misc]
            if mode is not None and not stat.S_ISDIR(mode):
                raise WrongFolder(f"{folder} is no folder.")

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def log_in(self) -> None:
        """Be connected. Raises as connect does."""
        self._patiently("log in", self._log_in)

    def _log_in(self) -> Session:
        self._session = log_in(self._server)
        return self._session

    def _ask(self, what: str, question: Callable[[paramiko.SFTPClient], Value], size: int = 0) -> Value:
        """The answer to a question that changes nothing, on other connections if need be."""
        return self._patiently(what, lambda: self._once(question, size))

    def _once(self, question: Callable[[paramiko.SFTPClient], Value], size: int) -> Value:
        session = self._session or self._log_in()
        try:
            with session.within(size) as sftp:
                return question(sftp)
        except (FileNotFoundError, PermissionError):
            raise WrongFolder("A folder is not there or not open: look at inbound and outbound.") from None
        except (*BROKEN, UnicodeDecodeError):
            raise Unreachable("transfer") from None

    def _patiently(self, what: str, call: Callable[[], Value]) -> Value:
        """What `call` returns within its tries, each a span, and after the first on a connection of its own."""
        pause = self._server.pause
        for attempt in stamina.retry_context(
            lambda error: isinstance(error, Unreachable | NotSent) and error.passing,
            attempts=self._server.tries, timeout=None, wait_initial=pause, wait_max=8 * pause, wait_jitter=pause,
        ):  # fmt: skip
            with attempt:
                if attempt.num > 1:
                    self.close()
                with asked(what, self._server.host):
                    return call()
        raise AssertionError("the last attempt returns or raises")


def _is_file(entry: paramiko.SFTPAttributes) -> bool:
    """What does not say what it is counts as a file."""
    return (entry.st_mode is None or stat.S_ISREG(entry.st_mode)) and "/" not in entry.filename


def _file(entry: paramiko.SFTPAttributes) -> RemoteFile:
    raw = entry.filename.encode("utf-8", "surrogateescape")
    name = raw.decode("utf-8", "backslashreplace")
    odd = raw if name != entry.filename else b""
    return RemoteFile(name, entry.st_size or 0, entry.st_mtime or 0, odd)


def _read(sftp: paramiko.SFTPClient, path: bytes, listed: RemoteFile) -> bytes:
    """What is at `path`, which must be what the listing says before and after it is read."""
    content = b""
    for reading in (True, False):
        try:
            now = sftp.stat(path)
            if (now.st_size, now.st_mtime or 0) != (listed.size, listed.mtime):
                raise Changed("The file is not what it was when it was listed.")
            if reading:
                with sftp.open(path, "rb") as file:
                    # Not ahead of itself: paramiko's thread for that dies loudly with the connection.
                    content = file.read(listed.size)
        except (FileNotFoundError, PermissionError):
            raise Changed("The file has gone or is not open.") from None
        except OSError as error:
            channel = sftp.get_channel()
            if isinstance(error, TimeoutError) or channel is None or channel.closed:
                raise
            raise Changed("The server refuses the file.") from None
    if len(content) != listed.size:
        raise Changed("The file is shorter than it was when it was listed.")
    return content
