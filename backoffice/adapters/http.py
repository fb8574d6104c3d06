"""HTTP for the adapters: one pooled client whose calls end by a total limit, however slowly the other side answers."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from ssl import SSLContext
from typing import Any, NamedTuple

import httpcore2
import httpx2

from backoffice.adapters.calls import called
from backoffice.adapters.reach import may_reach

MAX_BODY = 4 * 1024 * 1024  # parsed JSON takes up to thirty times as much memory
CONNECT_SECONDS = 10.0
LONGEST_PAUSE = 30.0

_deadline: ContextVar[float] = ContextVar("http_deadline")


class NotSent(Exception):
    """No connection could be made, or the client is closed: the other side has certainly not seen the request."""


class Unanswered(Exception):
    """The request was or may have been sent, and no whole answer came in time."""


class Answer(NamedTuple):
    """What came back. A body longer than MAX_BODY is given up (`cut`) and empty; retry_after is in seconds."""

    status: int
    body: bytes
    retry_after: float | None = None
    etag: str = ""
    cut: bool = False


class HttpClient:
    """Calls with `headers` over at most `connections` kept-alive connections; safe to share between threads.

    `timeout` is the limit in seconds of a whole call: waiting for a connection, TLS, sending and the last byte of the
    answer. Only the system's name resolution keeps a limit of its own. Redirects are not followed, proxies and netrc of
    the environment not used. `url` must have been checked by `is_http_url`.
    """

    def __init__(self, *, timeout: float, connections: int, headers: Mapping[str, str]) -> None:
        self._timeout = timeout
        self._client = httpx2.Client(
            transport=_Transport(connections),
            headers={**headers, "Accept-Encoding": "identity"},  # no small answer that unpacks to a large one
            timeout=timeout,
            trust_env=False,
        )

    def post(self, url: str, body: bytes) -> Answer:
        """Send once. Raises NotSent or Unanswered; neither says anything of the request."""
        return self.send("POST", url, body, {})

    def send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send once, with `headers` beside the client's own. Raises NotSent or Unanswered, as post does."""
        before = _deadline.set(time.monotonic() + self._timeout)
        try:
            with (
                called(method, url) as call,
                self._client.stream(method, url, content=body, headers=headers) as response,
            ):
                call.set_attribute("http.response.status_code", response.status_code)
                return _answer_of(response)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            raise NotSent from None
        except httpx2.TransportError:
            raise Unanswered from None
        except RuntimeError:
            if not self._client.is_closed:
                raise
            raise NotSent from None  # another thread has closed it meanwhile
        finally:
            _deadline.reset(before)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def is_http_url(text: str) -> bool:
    """Whether `text` is a whole http or https address, without a user or password (they would replace the token)."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host) and not url.userinfo and (url.port or 80) < 65_536


def is_safe_url(text: str) -> bool:
    """Whether it is an http url that others cannot listen to: https, or an address of this machine."""
    if not is_http_url(text):
        return False
    url = httpx2.URL(text)
    return url.scheme == "https" or url.host in ("127.0.0.1", "::1", "localhost")


def pause_before(attempt: int, retry_after: float | None, *, first: float = 0.1, growth: float = 4.0) -> float:
    """Seconds to wait before the `attempt`-th retry: what was asked for, else 0.1, 0.4, 1.6; at most 30."""
    wanted = first * growth ** (attempt - 1) if retry_after is None else retry_after
    return min(wanted, LONGEST_PAUSE)


def _answer_of(response: httpx2.Response) -> Answer:
    retry_after, etag = _retry_after(response.headers), response.headers.get("etag", "")
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > MAX_BODY:
            return Answer(response.status_code, b"", retry_after, etag, cut=True)
    return Answer(response.status_code, bytes(body), retry_after, etag)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The header in either of its forms; None where it is missing or neither."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with suppress(ValueError):
        moment = parsedate_to_datetime(text)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return None


@cache
def _ssl_context() -> SSLContext:
    """One for all clients, which never change it: reading the certificates takes longer than a call."""
    return httpx2.create_ssl_context()


class _Transport(httpx2.HTTPTransport):
    def __init__(self, connections: int) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_ssl_context(),
            max_connections=connections,
            keepalive_expiry=5.0,
            network_backend=_Network(),
        )


class _Network(httpcore2.SyncBackend):
    """Sockets that know the deadline of the call that uses them; the limits of httpx2 hold for one read each."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        if not may_reach(host):
            raise httpcore2.ConnectError
        # The limit holds for each address of the name, of which there are a few: so not all that is left of the call.
        limit = min(_left(httpcore2.ConnectTimeout), CONNECT_SECONDS)
        return _Stream(super().connect_tcp(host, port, limit, local_address, socket_options))


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner
        self.close = inner.close  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(httpcore2.WriteTimeout))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(httpcore2.ConnectTimeout)))


def _left(out_of_time: type[Exception]) -> float:
    """Seconds that are left of this call; raises `out_of_time` where there are none."""
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise out_of_time
    return left
