"""A sandbox FHIR server, and adapters on it or on a peer that answers what a test tells it to."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from redis import Redis

from backoffice.adapters.fhir import Credentials, FhirClient, open_client
from backoffice.sandbox.fhir import SYSTEM, FhirServer
from tests.fhir.world import FAST, REGION, Connect, hospital_of


@pytest.fixture
def connect(queue: "Redis", queue_server: str) -> Iterator[Connect]:
    """Makes adapters and closes them after the test."""
    with ExitStack() as opened:

        def connect_to(
            url: str, token: str | Credentials = "", *, region: str = REGION, system: str = SYSTEM, **options: Any
        ) -> FhirClient:
            options = {"options": FAST, "redis_url": queue_server, **options}
            return opened.enter_context(open_client(region, url, token, system=system, **options))

        yield connect_to


@pytest.fixture
def server() -> Iterator[FhirServer]:
    """An open server with fifty identifier values, each kind of patient among them."""
    with FhirServer(hospital_of()) as served:
        yield served


@pytest.fixture
def client(server: FhirServer, connect: Connect) -> FhirClient:
    return connect(server.url)


@pytest.fixture
def peer(httpserver: HTTPServer) -> HTTPServer:
    return httpserver
