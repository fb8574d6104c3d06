"""What every peer's server does alike: begin, end, and say where it is."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from backoffice.sandbox.http import HOST, HttpServer, Reply, Request


class Listening:
    """A context manager around start() and stop(); `_http` has /control, whatever else it serves."""

    _http: HttpServer

    def start(self) -> Self:
        """Serve from now on; the same port again after a stop(). Raises OSError for a taken port."""
        raise NotImplementedError

    def stop(self) -> None:
        """Hang up and refuse connections."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    @property
    def control_url(self) -> str:
        """Where control.py is served, to who has the token."""
        return f"http://{HOST}:{self._http.port}/control"


class HttpListening(Listening):
    """A peer whose own protocol is HTTP: `answer` is asked for each request, and hangs up by None."""

    def __init__(self, answer: Callable[[Request], Reply | None], port: int) -> None:
        self._http = HttpServer(answer, port)
        self._stopping = threading.Event()

    def start(self) -> Self:
        self._stopping.clear()
        self._http.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._http.stop()

    @property
    def port(self) -> int:
        """The port in use; 0 before the first start when the system is to choose."""
        return self._http.port

    @property
    def url(self) -> str:
        """What stands in the place of the real one's https://host."""
        return f"http://{HOST}:{self.port}"
