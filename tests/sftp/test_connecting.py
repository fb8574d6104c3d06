"""Who answers is checked before anything is said; a login is tried once, a connection three times. edi.md 7.2, 7.3."""

import socket
import time
from typing import Any

import asyncssh
import paramiko
import pytest

from backoffice.adapters.sftp import (
    Server,
    SftpFault,
    Unreachable,
    WrongFolder,
    WrongHost,
    WrongLogin,
    connect,
)
from backoffice.sandbox.clearinghouse import Account, ClearinghouseServer
from tests.sftp.world import PASSWORD, STRANGER, USER, account, talking


def refused(server: Server) -> SftpFault:
    """Why there is no connection."""
    with pytest.raises(SftpFault) as caught, connect(server):
        pass
    assert PASSWORD not in str(caught.value)
    return caught.value


def test_a_known_host_and_the_right_password_open_the_mailbox(clearinghouse: ClearinghouseServer) -> None:
    with connect(account(clearinghouse)) as mailbox:
        mailbox.check()
        assert mailbox.listing() == []
    assert dict(clearinghouse.logins) == {"accepted": 1}


def test_neither_password_nor_key_is_shown() -> None:
    server = Server(host="h", user="u", known_hosts="k", password=PASSWORD, private_key="-----BEGIN")
    assert PASSWORD not in repr(server)
    assert "BEGIN" not in repr(server)


@pytest.mark.parametrize("known_hosts", ["", "# nothing yet", "[elsewhere.example.org]:22 " + STRANGER, "garbage"])
def test_a_host_that_is_not_known_is_not_even_connected_to(
    clearinghouse: ClearinghouseServer, known_hosts: str
) -> None:
    fault = refused(account(clearinghouse, known_hosts=known_hosts))
    assert isinstance(fault, WrongHost)
    assert "known_hosts holds no key of [127.0.0.1]:" in str(fault)
    assert not clearinghouse.connections


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_another_key_than_the_known_one_ends_it_before_the_login(clearinghouse: ClearinghouseServer, kind: str) -> None:
    other = asyncssh.generate_private_key(kind).export_public_key().decode()
    fault = refused(account(clearinghouse, known_hosts=f"[127.0.0.1]:{clearinghouse.port} {other}"))
    assert isinstance(fault, WrongHost)
    assert "shows another key" in str(fault)
    assert not clearinghouse.logins


def test_a_wrong_password_is_tried_exactly_once(clearinghouse: ClearinghouseServer) -> None:
    fault = refused(account(clearinghouse, password="wr0ng"))
    assert isinstance(fault, WrongLogin)
    assert dict(clearinghouse.logins) == {"refused": 1}


def test_a_password_that_is_refused_later_ends_the_sending_with_one_more_try(
    clearinghouse: ClearinghouseServer,
) -> None:
    with connect(account(clearinghouse)) as mailbox:
        clearinghouse.faults.next("refused_login", 9)
        clearinghouse.faults.next("drop_upload")
        with pytest.raises(WrongLogin):
            mailbox.put("a.txt", b"x" * 200_000)
    assert dict(clearinghouse.logins) == {"accepted": 1, "refused": 1}


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
@pytest.mark.parametrize("written", ["openssh", "pkcs8-pem"])
def test_a_private_key_logs_in_without_the_password(tmp_path: Any, kind: str, written: str) -> None:
    key = asyncssh.generate_private_key(kind)
    who = Account(user=USER, password=PASSWORD, key=key.export_public_key().decode())
    with ClearinghouseServer(tmp_path, account=who, sweeping=False) as server:
        text = key.export_private_key(written).decode().replace("\n", "\r\n")  # as a form sends it
        with connect(account(server, private_key=text)) as mailbox:
            mailbox.check()
        assert set(server.logins) == {"key accepted"}


@pytest.mark.parametrize(
    "text", ["nonsense", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"]
)
def test_a_private_key_that_cannot_be_read_is_said_before_the_login(
    clearinghouse: ClearinghouseServer, text: str
) -> None:
    fault = refused(account(clearinghouse, private_key=text))
    assert isinstance(fault, WrongLogin)
    assert "cannot be read" in str(fault)
    assert not clearinghouse.logins


def test_a_private_key_that_is_not_taken_is_tried_once_and_no_password_after_it(tmp_path: Any) -> None:
    mine, theirs = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    who = Account(user=USER, password=PASSWORD, key=theirs.export_public_key().decode())
    with ClearinghouseServer(tmp_path, account=who, sweeping=False) as server:
        assert isinstance(refused(account(server, private_key=mine.export_private_key().decode())), WrongLogin)
        assert dict(server.logins) == {"key refused": 1}


def test_where_nobody_listens_three_tries_are_made_with_growing_pauses(clearinghouse: ClearinghouseServer) -> None:
    server = account(clearinghouse, pause=0.1)
    clearinghouse.stop()
    began = time.monotonic()
    fault = refused(server)
    assert (str(fault), isinstance(fault, Unreachable)) == ("connection", True)
    assert 0.3 <= time.monotonic() - began < 3


def test_a_server_without_a_banner_is_given_up_in_time(clearinghouse: ClearinghouseServer) -> None:
    with talking(lambda connection: None) as port:
        line = clearinghouse.known_hosts.replace(str(clearinghouse.port), str(port))
        began = time.monotonic()
        assert str(refused(account(clearinghouse, port=port, known_hosts=line, timeout=0.5, tries=1))) == "connection"
    assert time.monotonic() - began < 2


def test_a_server_that_stalls_in_the_handshake_is_given_up_in_time(clearinghouse: ClearinghouseServer) -> None:
    def greet(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-Silent\r\n")

    with talking(greet) as port:
        line = clearinghouse.known_hosts.replace(str(clearinghouse.port), str(port))
        began = time.monotonic()
        assert str(refused(account(clearinghouse, port=port, known_hosts=line, timeout=0.5, tries=1))) == "connection"
    assert time.monotonic() - began < 3


def test_a_login_that_is_not_answered_is_tried_again(clearinghouse: ClearinghouseServer) -> None:
    clearinghouse.faults.slow_seconds = 3
    clearinghouse.faults.next("slow_login", 1)
    with connect(account(clearinghouse, timeout=1)) as mailbox:
        mailbox.check()
    assert clearinghouse.faults.fired["slow_login"] == 1


def test_a_login_that_is_cut_off_is_not_tried_again(clearinghouse: ClearinghouseServer) -> None:
    """It may have been counted as a failed one."""

    async def hang_up(*told: object) -> bool:
        tries.append(1)
        for connection in clearinghouse.connections:
            connection.abort()
        return False

    tries: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backoffice.sandbox.clearinghouse.server._Login.validate_password", hang_up)
        assert str(refused(account(clearinghouse))) == "login_cut_off"
    assert len(tries) == 1


@pytest.mark.slow
def test_a_subsystem_that_never_starts_is_given_up_in_time(tmp_path: Any) -> None:
    """paramiko itself waits for it without a limit."""

    class Mute(paramiko.ServerInterface):
        def check_auth_password(self, username: str, password: str) -> int:
            return paramiko.common.AUTH_SUCCESSFUL

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return paramiko.common.OPEN_SUCCEEDED

        def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
            time.sleep(4)
            return False

    key = paramiko.ECDSAKey.generate()

    def talk(connection: socket.socket) -> None:
        transport = paramiko.Transport(connection)
        transport.add_server_key(key)
        transport.start_server(server=Mute())

    with talking(talk) as port:
        line = f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}"
        server = Server(host="127.0.0.1", port=port, user="u", password="p", known_hosts=line, timeout=0.5, tries=1)
        began = time.monotonic()
        assert str(refused(server)) == "connection"
        assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("folders", "says"),
    [({"inbound": "nowhere"}, "A folder is not there"), ({"outbound": "inbound/file"}, "inbound/file is no folder")],
)
def test_a_folder_that_is_not_one_is_named(
    clearinghouse: ClearinghouseServer, folders: dict[str, str], says: str
) -> None:
    (clearinghouse.desk.inbound / "file").write_bytes(b"x")
    with connect(account(clearinghouse, **folders)) as mailbox, pytest.raises(WrongFolder, match=says):
        mailbox.check()
