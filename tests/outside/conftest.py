"""What the sandbox peers of the vendors tell a webhook, and how they are ordered about."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backoffice.sandbox.peer import HttpPeer
from tests.processes import until


class Webhook:
    """Takes everything; `told` are the requests as (form, headers)."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/told?region=north")
        self.told: list[tuple[dict[str, str], dict[str, str]]] = []
        server.expect_request("/told").respond_with_handler(self._take)

    def forms(self, count: int) -> list[dict[str, str]]:
        """The forms, once there are `count` of them."""
        until(lambda: len(self.told) >= count, within=5.0, what=f"{count} webhooks")
        assert len(self.told) == count
        return [form for form, _ in self.told]

    def _take(self, request: Request) -> Response:
        form = dict(parse_qsl(request.get_data(as_text=True), keep_blank_values=True))
        self.told.append((form, dict(request.headers)))
        return Response("", 204)


@pytest.fixture
def webhook(httpserver: HTTPServer) -> Webhook:
    return Webhook(httpserver)


def order(peer: HttpPeer[Any], **orders: Any) -> dict[str, Any]:
    """Orders as they come by /control, which test_orders shows; the state after them."""
    state: dict[str, Any] = json.loads(json.dumps(peer.vendor.control(json.loads(json.dumps(orders)))))
    return state
