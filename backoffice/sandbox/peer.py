"""One vendor's API behind a socket, with the faults that all of them have and /control for who runs it."""

import hmac
import json
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from backoffice.sandbox.control import BadControl
from backoffice.sandbox.faults import Faults, Occasion
from backoffice.sandbox.http import HOST, Reply, Request
from backoffice.sandbox.listening import HttpListening
from backoffice.sandbox.traffic import Traffic

Json = dict[str, Any]
GARBAGE: Final = b"<html><title>502 Bad Gateway</title></html>"
# The whole request: refused; hang up before doing anything; wait, then do; a page of HTML with status 200, nothing
# done; do it and hang up, or wait before the answer.
COMMON_KINDS: Final = (
    "http429", "http500", "http503", "drop", "slow", "garbage", "drop_after", "slow_after",
)  # fmt: skip


class Vendor(Protocol):
    """What stands behind the socket."""

    faults: Faults
    traffic: Traffic
    latency_ms: float

    @property
    def paths(self) -> Sequence[str]:
        """The beginnings of the paths that faults concern."""

    def answer(self, request: Request, occasion: Occasion) -> Reply:
        """The answer to a request that none of COMMON_KINDS has met; `occasion` is for faults of the vendor's own."""

    def problem(self, status: int) -> Reply:
        """What the vendor answers with 429, 500 and 503."""

    def control(self, orders: Any) -> Json:
        """Carry out orders of /control and return the state. Raises BadControl."""

    def close(self) -> None:
        """End what goes on without a request."""


Made = TypeVar("Made", bound=Vendor)


class HttpPeer(HttpListening, Generic[Made]):
    """Serves `vendor` on 127.0.0.1. `token` is for /control; start() raises OSError."""

    def __init__(self, vendor: Made, *, port: int = 0, token: str = "") -> None:
        super().__init__(self._answer, port)
        self.vendor, self.token = vendor, token or secrets.token_urlsafe(18)

    def stop(self) -> None:
        super().stop()
        self.vendor.close()

    def _answer(self, request: Request) -> Reply | None:
        if request.path == "/control" and request.method == "POST":
            return control_reply(request, self.token, self.vendor.control)
        with self.vendor.traffic.request():
            if self.vendor.latency_ms:
                time.sleep(self.vendor.latency_ms / 1000)
            occasion = self.vendor.faults.occasion(request.path.encode() + request.body)
            concerned = request.path.startswith(tuple(self.vendor.paths))
            return self._served(request, occasion) if concerned else self.vendor.answer(request, occasion)

    def _served(self, request: Request, occasion: Occasion) -> Reply | None:
        for status in (429, 500, 503):
            if occasion.fires(f"http{status}"):
                return self._refused(status)
        if occasion.fires("drop") or (occasion.fires("slow") and self._waited()):
            return None
        if occasion.fires("garbage"):
            return Reply(200, GARBAGE, "text/html")
        reply = self.vendor.answer(request, occasion)
        gone = occasion.fires("drop_after") or (occasion.fires("slow_after") and self._waited())
        return None if gone else reply

    def _refused(self, status: int) -> Reply:
        reply = self.vendor.problem(status)
        if status == 500:
            return reply
        return reply._replace(headers=(*reply.headers, ("Retry-After", str(self.vendor.faults.retry_after))))

    def _waited(self) -> bool:
        """Wait as long as slow takes; whether the peer was stopped meanwhile."""
        return self._stopping.wait(self.vendor.faults.slow_seconds)


def control_reply(request: Request, token: str, control: Callable[[Any], Json]) -> Reply:
    """What /control answers to who has the token: the state after the orders, or why they cannot be carried out."""
    sent = request.headers.get("authorization", "")
    known = request.client == HOST and token and hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())
    if not known:
        return json_reply(401, {"error": "unknown token"})
    try:
        return json_reply(200, control(json.loads(request.body or b"{}")))
    except (BadControl, ValueError) as error:
        return json_reply(400, {"error": str(error)})


def json_reply(status: int, body: Any, *headers: tuple[str, str]) -> Reply:
    """`body` as JSON."""
    return Reply(status, json.dumps(body, separators=(",", ":")).encode(), headers=headers)
