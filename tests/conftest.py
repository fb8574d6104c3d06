"""What every test stands on: a network that ends at this machine, a queue, and real processes on the test database."""

import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from redis import Redis

from backoffice import embedded
from tests.needs import Need, missing_needs
from tests.processes import Processes

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="a test that is skipped, expected to fail, or lacks a package is a failure",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LeftOut(config), "left-out")
    _end_the_network_here()


class LeftOut:
    """Tests whose system package is not installed are left out by their marker, and named; none is skipped silently."""

    def __init__(self, config: pytest.Config) -> None:
        self.missing: list[Need] = missing_needs()
        self.strict: bool = config.getoption("--no-skips")
        self.skipped: list[str] = []

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        left_out = [item for item in items if any(item.get_closest_marker(need.marker) for need in self.missing)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.strict and (self.skipped or any(need.package for need in self.missing)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for need in self.missing:
            terminalreporter.write_line(need.sentence)
        if self.strict:
            for name in self.skipped:
                terminalreporter.write_line(f"Not run, which --no-skips does not allow: {name}", red=True)


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

    socket.socket.connect = checked_connect  # type: ignore[method-assign]
    socket.socket.connect_ex = checked_connect_ex  # type: ignore[method-assign]
    socket.getaddrinfo = checked_getaddrinfo


@pytest.fixture(scope="session")
def queue_server() -> Iterator[str]:
    """A queue server for this test process, empty; its address."""
    embedded.ensure_queue_server()
    url = str(settings.RQ_QUEUES["default"]["URL"])
    with Redis.from_url(url) as client:
        client.flushdb()
    yield url
    embedded.stop_queue_server()


@pytest.fixture
def queue(queue_server: str) -> Iterator["Redis"]:
    """The queue server, emptied after the test."""
    with Redis.from_url(queue_server) as client:
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
        environment["DATABASE_URL"] = _test_database_url()
    started = Processes(environment)
    yield started
    started.stop_all()


def _test_database_url() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
