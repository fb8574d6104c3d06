"""A region's mailbox at its clearinghouse, for the jobs that list and fetch."""

from collections.abc import Iterator
from contextlib import contextmanager

from backoffice.adapters.sftp import Mailbox, SftpRefused, Unreachable, connect
from backoffice.adapters.sftp_types import Server
from backoffice.runs.faults import ConfigError, TransientError


@contextmanager
def opened(server: Server) -> Iterator[Mailbox]:
    """Logged in. Where that fails the run ends: ConfigError and TransientError say in one line what to do."""
    with faults_end_the_run(), connect(server) as mailbox:
        yield mailbox


@contextmanager
def faults_end_the_run() -> Iterator[None]:
    """A wrong key or password is tried once: the clearinghouse locks accounts for it."""
    try:
        yield
    except SftpRefused as refused:
        raise ConfigError(str(refused)) from None
    except Unreachable as fault:
        raise TransientError(f"The clearinghouse cannot be reached ({fault.code}). Restart the run later.") from None
