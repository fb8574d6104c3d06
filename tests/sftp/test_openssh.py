"""The same against the server that most clearinghouses run: OpenSSH. edi.md 7.2, 7.3."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from backoffice.adapters.sftp import NotSent, Sent, Server, WrongFolder, WrongHost, WrongLogin, connect
from backoffice.sandbox.clearinghouse.desk import Desk
from backoffice.sandbox.clearinghouse.faults import clearinghouse_faults
from tests.sftp.sshd import Process, frozen, openssh
from tests.sftp.world import CONTENT, NAME, STRANGER, names

pytestmark = pytest.mark.openssh
MODES = pytest.mark.parametrize("mode", ["direct", "rename"])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "clearinghouse", user="clinic", faults=clearinghouse_faults(), pay=False)


@pytest.fixture
def running(tmp_path: Path, desk: Desk) -> Iterator[tuple[Server, Process]]:
    with openssh(tmp_path, desk.home) as told:
        yield told


@pytest.fixture
def server(running: tuple[Server, Process]) -> Server:
    return running[0]


def test_a_name_that_is_no_utf_8_spoils_no_listing(server: Server, desk: Desk) -> None:
    (desk.outbound / "a.999").write_bytes(b"first")
    Path(os.fsdecode(os.fsencode(desk.outbound) + b"/\xff.835")).write_bytes(CONTENT)
    with connect(server) as mailbox:
        files = mailbox.listing()
        assert [(file.name, mailbox.get(file)) for file in files] == [(r"\xff.835", CONTENT), ("a.999", b"first")]


@MODES
def test_a_file_is_put_once_and_what_lies_there_is_fetched(server: Server, desk: Desk, mode: str) -> None:
    (desk.outbound / "a.835").write_bytes(CONTENT * 40)
    (desk.outbound / "folder").mkdir()
    with connect(replace(server, upload_mode=mode)) as mailbox:  # type: ignore[arg-type]
        mailbox.check()
        assert mailbox.put(NAME, CONTENT) is Sent.SENT
        assert mailbox.put(NAME, CONTENT, begun=True) is Sent.SENT
        (file,) = mailbox.listing()
        assert mailbox.get(file) == CONTENT * 40
    assert names(desk.inbound) == [NAME]
    assert (desk.inbound / NAME).read_bytes() == CONTENT


def test_an_existing_name_is_not_overwritten(server: Server, desk: Desk) -> None:
    (desk.inbound / NAME).write_bytes(b"another")
    with connect(replace(server, upload_mode="rename")) as mailbox, pytest.raises(NotSent, match="name_taken"):
        mailbox.put(NAME, CONTENT)
    assert (desk.inbound / NAME).read_bytes() == b"another"


def test_a_rest_of_an_earlier_process_is_removed(server: Server, desk: Desk) -> None:
    (desk.inbound / f"{NAME}.part").write_bytes(CONTENT[:327])
    with connect(replace(server, upload_mode="rename")) as mailbox:
        assert mailbox.put(NAME, CONTENT, begun=True) is Sent.SENT
    assert names(desk.inbound) == [NAME]


def test_another_host_key_and_another_login_key_are_refused(server: Server) -> None:
    stranger = f"[127.0.0.1]:{server.port} {STRANGER}"
    with pytest.raises(WrongHost), connect(replace(server, known_hosts=stranger)):
        pass
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with pytest.raises(WrongLogin), connect(replace(server, private_key=other)):
        pass


@pytest.mark.slow
@MODES
def test_a_server_that_freezes_in_mid_upload_is_left_and_the_file_sent_anew(
    running: tuple[Server, Process], desk: Desk, mode: str
) -> None:
    server, process = running
    content = CONTENT * 200  # 20 MB
    written = desk.inbound / (NAME if mode == "direct" else f"{NAME}.part")
    begins = frozen(process, when=lambda: written.exists() and written.stat().st_size > 0)
    with connect(replace(server, upload_mode=mode, timeout=1.0)) as mailbox, begins:  # type: ignore[arg-type]
        began = time.monotonic()
        assert mailbox.put(NAME, content) is Sent.SENT
        assert time.monotonic() - began < 30
    assert names(desk.inbound) == [NAME]
    assert (desk.inbound / NAME).read_bytes() == content


def test_a_folder_that_is_not_there_is_said(server: Server) -> None:
    with connect(replace(server, inbound="nowhere")) as mailbox, pytest.raises(WrongFolder):
        mailbox.check()
