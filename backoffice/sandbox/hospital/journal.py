"""What was written to a peer, as JSON lines that survive the server's kill -9.

Each entry is one write(2) to a file opened for appending, so it is in the kernel before the write is answered; there
is no fsync, since a sandbox need not survive a power cut.
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Final

Entry = dict[str, Any]
FILE: Final = "hospital.jsonl"


class JournalError(Exception):
    """The state folder cannot be used. The message names it and says what to do."""


def in_use(state: Path) -> bool:
    """Whether another process holds the journal in this folder."""
    try:
        with (state / FILE).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


class Journal:
    """Append-only entries in `state`, or in memory only where that is None. One process at a time holds a journal.

    `source` names what the entries were written to; a journal of another source is refused. `peer` names the file.
    """

    def __init__(self, state: Path | None, source: str, *, reset: bool = False, peer: str = "hospital") -> None:
        self.state, self._peer = state, peer
        self.entries: list[Entry] = []
        self._file: int | None = None
        if state is not None:
            self._open(state, reset)
            self._check_source(state, source)

    def append(self, entry: Entry) -> None:
        """Keep `entry`; on return it outlives this process. Raises JournalError once closed."""
        if self.state is None:
            return
        if self._file is None:
            raise JournalError(f"{self.state}: the journal is closed")
        os.write(self._file, json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Let another process have it."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _open(self, state: Path, reset: bool) -> None:
        try:
            state.mkdir(parents=True, exist_ok=True)
            path = state / f"{self._peer}.jsonl"
            file = self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise JournalError(f"{state} is in use by another {self._peer}") from None
        except OSError as error:
            self.close()
            raise JournalError(f"{state}: {error.strerror}") from error
        if reset:
            os.ftruncate(file, 0)
        self._replay(path, file)

    def _replay(self, path: Path, file: int) -> None:
        """Read the entries; a last line without its end was never answered, so it is cut off."""
        whole, _, torn = path.read_bytes().rpartition(b"\n")
        if torn:
            os.ftruncate(file, len(whole) + 1 if whole else 0)
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                self.entries.append(json.loads(line))
            except ValueError:
                self.close()
                raise JournalError(f"{path}:{number}: not a journal entry; start with --reset") from None

    def _check_source(self, state: Path, source: str) -> None:
        if not self.entries:
            self.append({"source": source})
        elif (found := self.entries.pop(0).get("source")) != source:
            self.close()
            raise JournalError(f"{state} keeps what was written to {found}; start with --reset to forget it")
