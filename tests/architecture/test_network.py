"""The guard that keeps tests on this machine."""

import socket
from http.client import HTTPConnection

import pytest


def test_an_address_elsewhere_is_refused() -> None:
    with pytest.raises(PermissionError, match=r"a test reached for 192\.0\.2\.1"):
        HTTPConnection("192.0.2.1", timeout=1).connect()


def test_a_name_elsewhere_is_not_known() -> None:
    with pytest.raises(socket.gaierror, match="a test reached for the network"):
        HTTPConnection("example.org", timeout=1).connect()


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
