"""What is taken from the mailbox is whole and was not touched meanwhile; nothing is removed there. edi.md 7.3."""

import os
from pathlib import Path

import pytest

from backoffice.adapters.sftp import Changed, Mailbox, RemoteFile, Unreachable, WrongFolder, connect
from backoffice.sandbox.clearinghouse import ClearinghouseServer
from tests.sftp.world import CONTENT, account


@pytest.fixture
def outbound(clearinghouse: ClearinghouseServer) -> Path:
    return clearinghouse.desk.outbound


def only(mailbox: Mailbox) -> RemoteFile:
    (file,) = mailbox.listing()
    return file


def test_the_listing_names_files_and_passes_over_all_else(clearinghouse: ClearinghouseServer, outbound: Path) -> None:
    for name in ("b.999", "a é.835", "unfinished.txt.part"):
        (outbound / name).write_bytes(CONTENT)
        os.utime(outbound / name, (1_700_000_000, 1_700_000_000))
    (outbound / "empty.txt").touch()
    (outbound / "folder").mkdir()
    (outbound / "link").symlink_to("b.999")
    with connect(account(clearinghouse)) as mailbox:
        assert mailbox.listing() == [RemoteFile(name, len(CONTENT), 1_700_000_000) for name in ("a é.835", "b.999")]


def test_a_name_that_is_no_utf_8_spoils_no_listing_and_its_file_is_fetched(
    clearinghouse: ClearinghouseServer, outbound: Path
) -> None:
    (outbound / "a.999").write_bytes(b"first")
    Path(os.fsdecode(os.fsencode(outbound) + b"/caf\xe9 .835")).write_bytes(CONTENT)
    with connect(account(clearinghouse)) as mailbox:
        files = mailbox.listing()
        assert [(file.name, mailbox.get(file)) for file in files] == [("a.999", b"first"), (r"caf\xe9 .835", CONTENT)]


@pytest.mark.parametrize("size", [1, 32_768, 3_000_001])
def test_a_file_is_fetched_whole_and_stays(clearinghouse: ClearinghouseServer, outbound: Path, size: int) -> None:
    content = (CONTENT * 30)[:size]
    (outbound / "a.835").write_bytes(content)
    with connect(account(clearinghouse)) as mailbox:
        assert mailbox.get(only(mailbox)) == content
    assert (outbound / "a.835").exists()


def test_a_file_that_has_grown_since_the_listing_is_not_taken(
    clearinghouse: ClearinghouseServer, outbound: Path
) -> None:
    (outbound / "a.835").write_bytes(CONTENT)
    with connect(account(clearinghouse)) as mailbox:
        file = only(mailbox)
        with (outbound / "a.835").open("ab") as more:
            more.write(b"more")
        with pytest.raises(Changed):
            mailbox.get(file)
        assert mailbox.get(only(mailbox)) == CONTENT + b"more"


def test_a_file_that_is_written_anew_with_the_same_size_is_not_taken(
    clearinghouse: ClearinghouseServer, outbound: Path
) -> None:
    (outbound / "a.835").write_bytes(CONTENT)
    with connect(account(clearinghouse)) as mailbox:
        file = only(mailbox)
        os.utime(outbound / "a.835", (file.mtime + 2, file.mtime + 2))
        with pytest.raises(Changed):
            mailbox.get(file)


def test_a_file_that_grows_while_it_is_read_is_not_taken(
    clearinghouse: ClearinghouseServer, outbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = outbound / "a.835"
    path.write_bytes(CONTENT)
    files = "backoffice.sandbox.clearinghouse.files.Files"
    from backoffice.sandbox.clearinghouse.files import Files

    read = Files.read

    async def read_and_grow(self: Files, file_obj: object, offset: int, size: int) -> bytes:
        with path.open("ab") as more:
            more.write(b"more")
        return await read(self, file_obj, offset, size)

    monkeypatch.setattr(f"{files}.read", read_and_grow)
    with connect(account(clearinghouse)) as mailbox, pytest.raises(Changed):
        mailbox.get(only(mailbox))


def test_a_file_that_has_gone_is_not_a_fault_of_the_connection(
    clearinghouse: ClearinghouseServer, outbound: Path
) -> None:
    (outbound / "a.835").write_bytes(CONTENT)
    with connect(account(clearinghouse)) as mailbox:
        file = only(mailbox)
        (outbound / "a.835").unlink()
        with pytest.raises(Changed):
            mailbox.get(file)
        assert mailbox.listing() == []
    assert clearinghouse.logins["accepted"] == 1


def test_a_file_beyond_the_limit_is_not_read(clearinghouse: ClearinghouseServer, outbound: Path) -> None:
    (outbound / "a.835").write_bytes(CONTENT)
    with connect(account(clearinghouse, max_bytes=1000)) as mailbox, pytest.raises(Unreachable, match="too_large"):
        mailbox.get(only(mailbox))


@pytest.mark.parametrize("fault", ["drop_listing", "drop_download"])
def test_reading_goes_on_over_another_connection(
    clearinghouse: ClearinghouseServer, outbound: Path, fault: str
) -> None:
    (outbound / "a.835").write_bytes(CONTENT)
    clearinghouse.faults.next(fault, 2)
    with connect(account(clearinghouse)) as mailbox:
        assert mailbox.get(only(mailbox)) == CONTENT
    assert clearinghouse.logins["accepted"] == 3


@pytest.mark.parametrize("fault", ["drop_listing", "drop_download"])
def test_after_three_broken_connections_it_is_given_up(
    clearinghouse: ClearinghouseServer, outbound: Path, fault: str
) -> None:
    (outbound / "a.835").write_bytes(CONTENT)
    clearinghouse.faults.next(fault, 3)
    with connect(account(clearinghouse)) as mailbox, pytest.raises(Unreachable, match="transfer"):
        mailbox.get(only(mailbox))


def test_a_folder_that_is_not_there_is_said(clearinghouse: ClearinghouseServer, outbound: Path) -> None:
    outbound.rmdir()
    with connect(account(clearinghouse)) as mailbox, pytest.raises(WrongFolder):
        mailbox.listing()
