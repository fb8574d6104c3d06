"""One file on its way into a folder: written once, and after a fault looked for before anything is written again."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import paramiko

from backoffice.adapters.sftp_session import BROKEN, Session
from backoffice.adapters.sftp_types import NotSent, Sent

CHUNK: Final = 32 * 1024
PART: Final = ".part"


@dataclass(slots=True)
class Upload:
    """`target` is the path that the file is to have. `ours`: it was begun, before this or by it, so that what lies
    there is a piece of it; else that is another's and stays as it is. `begun`: something was written. Until `written`,
    the server cannot have the whole of it; from then on a broken connection leaves open whether it has.
    `acknowledged`: it says so.
    """

    target: str
    content: bytes = field(repr=False)
    rename: bool
    ours: bool = False
    begun: bool = False
    written: bool = False
    acknowledged: bool = False

    @property
    def path(self) -> str:
        """Where it is written to."""
        return self.target + PART if self.rename else self.target

    def attempt(self, session: Session) -> Sent:
        """Look, write, look again. Raises NotSent; `passing`: another connection may do better."""
        before = self.ours
        try:
            with session.within(len(self.content)) as sftp:
                return self._left(sftp) or self._send(sftp)
        except BROKEN as error:
            if isinstance(error, TimeoutError) or not session.open:
                raise NotSent("connection") from None
            if self.acknowledged:
                return Sent.UNCONFIRMED
            self.ours = before or self.begun
            self._drop(session)
            raise NotSent("refused") from None

    def settled(self, session: Session) -> Sent:
        """What came of the last attempt, which broke off after the last byte. Nothing is sent. Raises NotSent."""
        try:
            with session.within() as sftp:
                left = self._left(sftp)
        except BROKEN:
            return Sent.UNCONFIRMED
        if left is None:
            raise NotSent("connection")
        return left

    def _left(self, sftp: paramiko.SFTPClient) -> Sent | None:
        """What an earlier attempt came to, of this process or one before; what is left of it is removed."""
        there, whole = size_at(sftp, self.target), len(self.content)
        part = size_at(sftp, self.path) if self.rename else there
        if not self.ours and (there is not None or part is not None):
            raise NotSent("name_taken", passing=False)
        if there == whole:
            return Sent.SENT
        if there is not None and (self.rename or there > whole):
            raise NotSent("name_taken", passing=False)
        if part is None:
            # Without a second name the file was in the open from its first byte: whoever took it has the start of it.
            return Sent.UNCONFIRMED if self.written or (self.begun and not self.rename) else None
        if part == whole and self.written:
            sftp.rename(self.path, self.target)
            return Sent.SENT
        self._remove(sftp)
        return None

    def _send(self, sftp: paramiko.SFTPClient) -> Sent:
        # The file is closed by hand: after a fault, closing it would wait for the same silent server once more.
        self.ours = True  # from here on: a connection that breaks now hides whether it was made
        file = sftp.open(self.path, "wbx")
        self.begun = True
        # Each write waits for its answer: else most of a file is on its way before a full disk or a drop is noticed,
        # and nobody could say whether the last byte had arrived.
        for start in range(0, len(self.content), CHUNK):
            self.written = start + CHUNK >= len(self.content)
            file.write(self.content[start : start + CHUNK])
        file.close()
        self.acknowledged = True
        if sftp.stat(self.path).st_size != len(self.content):
            self.written = self.acknowledged = False
            self._remove(sftp)
            raise NotSent("size_differs")
        if self.rename:
            sftp.rename(self.path, self.target)  # not posix_rename, which would put it over another file
        return Sent.SENT

    def _remove(self, sftp: paramiko.SFTPClient) -> None:
        """As if nothing had been written."""
        sftp.remove(self.path)
        self.begun = self.written = self.acknowledged = False

    def _drop(self, session: Session) -> None:
        """What the server did not want the rest of."""
        self.written = False
        if self.begun:
            with suppress(*BROKEN), session.within() as sftp:
                self._remove(sftp)


def size_at(sftp: paramiko.SFTPClient, path: str) -> int | None:
    """None: there is none, or none that may be looked at."""
    try:
        return sftp.stat(path).st_size
    except (FileNotFoundError, PermissionError):
        return None
