"""What every test stands on: a network that ends at this machine, a queue, and real processes on the test database."""

import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker
from redis import Redis

from backoffice import embedded
from backoffice.adapters import http
from backoffice.telemetry import tally
from tests.emptied import Migrated
from tests.processes import Processes

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
pytest_plugins = ["tests.left_out"]
# A busy machine is no fault of the product's.
hypothesis_settings.register_profile("nightward", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("nightward")


def pytest_configure(config: pytest.Config) -> None:
    _end_the_network_here()
    tally.FLUSH_SECONDS = 3600.0  # a test hands over itself what it has counted


def _end_the_network_here() -> None:
    """Let no Python socket of a test process leave this machine; other names are not known, other addresses refused."""
    allowed = LOOPBACK | {str(urlsplit(os.environ.get("REDIS_URL", "")).hostname)}
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(connection: socket.socket, address: Any) -> None:
        if connection.family != socket.AF_UNIX and address[0] not in allowed:
            raise PermissionError(f"a test reached for {address[0]}")

    def checked_connect(self: socket.socket, address: Any) -> None:
        check(self, address)
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        check(self, address)
        return connect_ex(self, address)

    def checked_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name not in allowed and not name.replace(".", "").isdecimal():
            raise socket.gaierror(socket.EAI_NONAME, "a test reached for the network")
        return getaddrinfo(host, *args, **kwargs)

    socket.socket.connect = checked_connect  # type: ignore[assignment, method-assign]
    socket.socket.connect_ex = checked_connect_ex  # type: ignore[assignment, method-assign]
    socket.getaddrinfo = checked_getaddrinfo


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database of this process; each test with real transactions leaves it as the migrations did."""
    with django_db_blocker.unblock():
        migrated = Migrated(connection)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: migrated.restore())
        yield


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again in this process waits a twentieth of its time, which the adapters' own tests measure."""
    from backoffice.adapters import fhir_wire, hospital_wire
    from clinic.recovery import write

    for module in (fhir_wire, hospital_wire, write):
        monkeypatch.setattr(module, "pause_before", lambda *told, **more: http.pause_before(*told, **more) / 20)


@pytest.fixture(scope="session")
def queue_server() -> Iterator[str]:
    """A queue server for this test process; its address."""
    embedded.ensure_queue_server()
    yield str(settings.RQ_QUEUES["default"]["URL"])
    embedded.stop_queue_server()


@pytest.fixture
def queue(queue_server: str) -> Iterator["Redis"]:
    """The queue server, emptied before the test and after it."""
    with Redis.from_url(queue_server) as client:
        tally.flush()  # what tests before this one have counted
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def processes(request: pytest.FixtureRequest) -> Iterator[Processes]:
    """Starts real processes of the product; stops what is left of them after the test.

    They see the test's database when the test has one with real transactions (django_db with transaction=True).
    """
    environment = dict(os.environ)
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("transactional_db")
        environment["DATABASE_URL"] = database_url()
    started = Processes(environment)
    yield started
    started.stop_all()


def database_url() -> str:
    """The address of this process's database, for processes that it starts."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
