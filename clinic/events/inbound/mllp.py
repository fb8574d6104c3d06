"""MLLP: HL7 v2 over TCP, each message between 0B and 1C 0D, each answered before the next one is read.

Source: HL7 Version 2 Transport Specification, MLLP release 1.
"""

import asyncio
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from clinic.events.inbound.hl7v2 import Header, Refused, acknowledge, check, header_of, told_by
from clinic.events.inbound.storing import Message, OtherMessage, store
from regions.models import Region

log = structlog.get_logger(__name__)

START, END = b"\x0b", b"\x1c\x0d"
MOST_BYTES = 2 * 1024 * 1024
MOST_NOISE = 1024
FRAME_SECONDS = 30.0
MOST_CONNECTIONS = 100
THREADS = 4


class Noise(Exception):
    """What comes is not MLLP; there is nobody to answer."""


class TooLong(Exception):
    """A message of more than MOST_BYTES; `beginning` is enough of it for its header."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__()
        self.beginning = beginning


class Listener:
    """Takes the messages of one region's laboratory."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mllp")
        self._connections: set[asyncio.Task[None]] = set()

    async def serve(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None,
        stop: asyncio.Event,
        ready: Callable[[int], None],
    ) -> None:
        """Until `stop`; messages in hand are answered first. `ready` is told the port. OSError where it is taken."""
        server = await asyncio.start_server(self._connected, host, port, ssl=tls, limit=MOST_BYTES)
        ready(server.sockets[0].getsockname()[1])
        await stop.wait()
        server.close()
        for one in self._connections:
            one.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._threads.shutdown()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = asyncio.current_task()
        if mine is None or len(self._connections) >= MOST_CONNECTIONS:
            writer.close()
            return
        self._connections.add(mine)
        try:
            while body := await _frame(reader):
                await self._answered(body, writer)
        except TooLong as message:
            header = header_of(message.beginning)
            log.warning("mllp_too_long", region=self.region.name)
            await _send(writer, acknowledge(header, "AR", Refused("AR", 207, f"Longer than {MOST_BYTES} bytes")))
        except (Noise, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.warning("mllp_connection_ended", region=self.region.name, error=type(error).__name__)
        except asyncio.CancelledError:
            pass  # the listener stops, and nobody waits for what this returns
        finally:
            self._connections.discard(mine)
            writer.close()

    async def _answered(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        """Also when the listener stops meanwhile: what is stored is to be acknowledged."""
        answer = asyncio.get_running_loop().run_in_executor(self._threads, self.answer, body)
        try:
            await asyncio.shield(answer)
        except asyncio.CancelledError:
            await _send(writer, await answer)
            raise
        await _send(writer, await answer)

    def answer(self, body: bytes) -> bytes:
        """Store the message, and say so: AA where it is stored, also where it was before."""
        header = header_of(body)
        try:
            self._store(body, header)
        except Refused as refusal:
            log.warning("mllp_refused", region=self.region.name, code=refusal.code, error=refusal.error)
            return acknowledge(header, refusal.code, refusal)
        except Exception as error:  # without an answer the sender would repeat it for ever and send nothing else
            log.error("mllp_failed", region=self.region.name, error=type(error).__name__)
            return acknowledge(header, "AR", Refused("AR", 207, "It cannot be taken now"))
        return acknowledge(header, "AA")

    def _store(self, body: bytes, header: Header) -> None:
        check(header)
        told = told_by(body, header, self.region.zone)
        message = Message(channel="lis", protocol="mllp", id=header.message_id, body=body)
        close_old_connections()
        try:
            store(self.region, message, told)
        except OtherMessage:
            raise Refused("AE", 205, "MSH-10 was another message's") from None
        except (InterfaceError, OperationalError):
            connection.close()
            raise Refused("AR", 207, "It cannot be stored now; send it again") from None


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """The next message; empty where the other side has ended. What it has begun by then is dropped, unanswered."""
    noise = 0
    while (byte := await reader.read(1)) != START:
        noise += 1
        if not byte:
            return b""
        if noise > MOST_NOISE:
            raise Noise
    try:
        async with asyncio.timeout(FRAME_SECONDS):
            return (await reader.readuntil(END))[: -len(END)] or b" "
    except asyncio.LimitOverrunError:
        raise TooLong(await reader.read(4000)) from None


async def _send(writer: asyncio.StreamWriter, answer: bytes) -> None:
    writer.write(START + answer + END)
    async with asyncio.timeout(FRAME_SECONDS):
        await writer.drain()
