"""The mailbox as SFTP shows it, with what goes wrong there on purpose. Runs in the server's event loop."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import asyncssh

from backoffice.sandbox.clearinghouse.desk import Desk
from backoffice.sandbox.clearinghouse.faults import UPLOADS
from backoffice.sandbox.faults import Faults


class Peer(Protocol):
    """The part of the server that its files need."""

    faults: Faults
    desk: Desk
    after_bytes: int
    connections: set[asyncssh.SSHServerConnection]


class Files(asyncssh.SFTPServer):
    """The account's home and nothing above it."""

    def __init__(self, channel: Any, peer: Peer) -> None:
        super().__init__(channel, chroot=os.fsencode(peer.desk.home))
        self._peer = peer
        self._spoiled: dict[int, str] = {}

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        """Whether an upload or a download goes wrong is decided as it begins."""
        file: Any = super().open(path, pflags, attrs)
        if pflags & asyncssh.FXF_WRITE:
            self._peer.desk.opened(self._local(path))
            kinds: tuple[str, ...] = UPLOADS
        else:
            kinds = ("drop_download",)
        fault = next((kind for kind in kinds if self._fires(kind, path)), None)
        if fault:
            self._spoiled[id(file)] = fault
        return file

    async def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        fault, left = self._spoiled.get(id(file_obj)), self._peer.after_bytes - offset
        if fault and len(data) > left:
            super().write(file_obj, offset, data[: max(left, 0)])
            file_obj.flush()
            if fault == "lost_writes":
                return len(data)
            await self._go_wrong(fault)
        return int(await _awaited(super().write(file_obj, offset, data)))

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        fault = self._spoiled.get(id(file_obj))
        if fault and offset + size > self._peer.after_bytes:
            await self._go_wrong(fault)
        return bytes(await _awaited(super().read(file_obj, offset, size)))

    def close(self, file_obj: Any) -> None:
        self._spoiled.pop(id(file_obj), None)
        super().close(file_obj)
        path = Path(os.fsdecode(file_obj.name))
        self._peer.desk.closed(path)
        if path.parent == self._peer.desk.inbound and path.exists() and self._fires("picked_up", path.name.encode()):
            self._peer.desk.take(path)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self._fires("rename_refused", newpath):
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        if self._fires("drop_rename", newpath):
            await self._go_wrong("drop")
        await _awaited(super().rename(oldpath, newpath))
        if self._fires("drop_after_rename", newpath):
            await self._go_wrong("drop")

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        if self._fires("drop_listing", path):
            await self._go_wrong("drop")
        async for name in super().scandir(path):
            yield name

    def _local(self, path: bytes) -> Path:
        return Path(os.fsdecode(self.map_path(path)))

    def _fires(self, kind: str, path: bytes) -> bool:
        return self._peer.faults.occasion(path).fires(kind)

    async def _stall(self) -> None:
        """Until the time is over, or the client has gone."""
        ends = time.monotonic() + self._peer.faults.slow_seconds
        while time.monotonic() < ends and self.connection in self._peer.connections:
            await asyncio.sleep(0.05)

    async def _go_wrong(self, fault: str) -> None:
        if fault == "full_disk":
            raise asyncssh.SFTPFailure("No space left on device")
        if fault == "stall_upload":
            await self._stall()
        self.connection.abort()
        raise asyncssh.SFTPFailure("gone")


async def _awaited(value: Any) -> Any:
    return await value if asyncio.iscoroutine(value) else value
