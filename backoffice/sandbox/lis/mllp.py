"""MLLP, "Minimal Lower Layer Protocol" of HL7: each message between VT and FS CR, one answer to each."""

import socket
from typing import Final

BEGIN, END = b"\x0b", b"\x1c\r"
LONGEST: Final = 1024 * 1024


class NoAnswer(Exception):
    """The message may have been taken; the text says what came instead of an answer."""


def exchange(host: str, port: int, message: str, *, timeout: float = 10.0, times: int = 1) -> list[str]:
    """Send `message` `times` times over one connection; each answer. Raises NoAnswer, and OSError where nobody is."""
    answers = []
    with socket.create_connection((host, port), timeout=timeout) as connection:
        for _ in range(times):
            connection.sendall(BEGIN + message.encode() + END)
            answers.append(_answer(connection))
    return answers


def _answer(connection: socket.socket) -> str:
    received = b""
    while not received.endswith(END):
        try:
            piece = connection.recv(65536)
        except TimeoutError as error:
            raise NoAnswer("nothing came in time") from error
        if not piece:
            raise NoAnswer("the connection was closed")
        received += piece
        if len(received) > LONGEST:
            raise NoAnswer("too much came")
    return received.removeprefix(BEGIN).removesuffix(END).decode("utf-8", "replace")
