"""A file is handed over once, whatever breaks: sent, certainly not sent, or unconfirmed. edi.md 7.3, X-18."""

import time
from pathlib import Path

import pytest

from backoffice.adapters.sftp import NotSent, Sent, connect
from backoffice.sandbox.clearinghouse import ClearinghouseServer
from tests.sftp.world import CONTENT, NAME, account, names

MODES = pytest.mark.parametrize("mode", ["direct", "rename"])


def put(
    clearinghouse: ClearinghouseServer,
    mode: str,
    content: bytes = CONTENT,
    timeout: float = 5.0,
    *,
    begun: bool = False,
) -> Sent:
    with connect(account(clearinghouse, upload_mode=mode, timeout=timeout)) as mailbox:
        return mailbox.put(NAME, content, begun=begun)


def inbound(clearinghouse: ClearinghouseServer) -> Path:
    return clearinghouse.desk.inbound


def arrived(clearinghouse: ClearinghouseServer) -> bool:
    """Whether the file is there, whole and alone."""
    folder = inbound(clearinghouse)
    return names(folder) == [NAME] and (folder / NAME).read_bytes() == CONTENT


@MODES
def test_a_file_arrives_whole_and_leaves_nothing_beside_it(clearinghouse: ClearinghouseServer, mode: str) -> None:
    assert put(clearinghouse, mode) is Sent.SENT
    assert arrived(clearinghouse)


@MODES
def test_what_is_there_already_is_not_sent_again(clearinghouse: ClearinghouseServer, mode: str) -> None:
    put(clearinghouse, mode)
    before = (inbound(clearinghouse) / NAME).stat().st_mtime_ns
    assert put(clearinghouse, mode, begun=True) is Sent.SENT
    assert (inbound(clearinghouse) / NAME).stat().st_mtime_ns == before


@MODES
@pytest.mark.parametrize("other", [CONTENT + b"more", CONTENT[::-1], b"ISA of another sender"])
def test_another_file_of_that_name_is_left_alone(clearinghouse: ClearinghouseServer, mode: str, other: bytes) -> None:
    """A smaller one was taken for a piece of ours and removed, and one of our size for ours, which was never sent."""
    (inbound(clearinghouse) / NAME).write_bytes(other)
    with pytest.raises(NotSent, match="name_taken") as said:
        put(clearinghouse, mode)
    assert (inbound(clearinghouse) / NAME).read_bytes() == other
    assert not said.value.begun


def test_another_senders_piece_beside_it_is_left_alone(clearinghouse: ClearinghouseServer) -> None:
    (inbound(clearinghouse) / f"{NAME}.part").write_bytes(CONTENT[:327])
    with pytest.raises(NotSent, match="name_taken"):
        put(clearinghouse, "rename")
    assert names(inbound(clearinghouse)) == [f"{NAME}.part"]


@MODES
def test_a_connection_that_drops_in_the_middle_is_made_again_and_its_rest_removed(
    clearinghouse: ClearinghouseServer, mode: str
) -> None:
    clearinghouse.faults.next("drop_upload", 2)
    assert put(clearinghouse, mode) is Sent.SENT
    assert clearinghouse.faults.fired["drop_upload"] == 2
    assert clearinghouse.logins["accepted"] == 3
    assert arrived(clearinghouse)


def test_the_rest_of_a_process_that_died_is_removed_first(clearinghouse: ClearinghouseServer) -> None:
    (inbound(clearinghouse) / f"{NAME}.part").write_bytes(CONTENT[:327])
    assert put(clearinghouse, "rename", begun=True) is Sent.SENT
    assert arrived(clearinghouse)


@MODES
@pytest.mark.parametrize("after", [1000, len(CONTENT) - 1])
def test_three_drops_are_a_file_that_was_certainly_not_sent(
    clearinghouse: ClearinghouseServer, mode: str, after: int
) -> None:
    """In the last write as well: what arrived is looked at before anything is said."""
    clearinghouse.after_bytes = after
    clearinghouse.faults.next("drop_upload", 3)
    with pytest.raises(NotSent, match="connection") as said:
        put(clearinghouse, mode)
    assert put(clearinghouse, mode, begun=said.value.begun) is Sent.SENT
    assert arrived(clearinghouse)


@MODES
@pytest.mark.parametrize(("fault", "says"), [("full_disk", "refused"), ("lost_writes", "size_differs")])
@pytest.mark.parametrize("after", [1000, len(CONTENT) - 1])
def test_a_full_disk_is_noticed_and_its_piece_removed(
    clearinghouse: ClearinghouseServer, mode: str, fault: str, says: str, after: int
) -> None:
    """Whether the server says so to a write or only keeps less than it was given."""
    clearinghouse.after_bytes = after
    clearinghouse.faults.next(fault, 3)
    with pytest.raises(NotSent, match=says):
        put(clearinghouse, mode)
    assert clearinghouse.faults.fired[fault] == 3
    assert names(inbound(clearinghouse)) == []


@MODES
def test_a_disk_that_has_room_again_takes_the_file(clearinghouse: ClearinghouseServer, mode: str) -> None:
    clearinghouse.faults.next("full_disk", 1)
    assert put(clearinghouse, mode) is Sent.SENT
    assert arrived(clearinghouse)


@MODES
def test_a_stall_in_the_middle_ends_in_time_and_is_tried_again(clearinghouse: ClearinghouseServer, mode: str) -> None:
    clearinghouse.faults.slow_seconds = 30
    clearinghouse.faults.next("stall_upload")
    began = time.monotonic()
    assert put(clearinghouse, mode, timeout=1.0) is Sent.SENT
    assert time.monotonic() - began < 6
    assert arrived(clearinghouse)


def test_a_refused_rename_leaves_the_file_unconfirmed_and_is_not_repeated(clearinghouse: ClearinghouseServer) -> None:
    clearinghouse.faults.next("rename_refused", 9)
    assert put(clearinghouse, "rename") is Sent.UNCONFIRMED
    assert clearinghouse.faults.fired["rename_refused"] == 1
    assert names(inbound(clearinghouse)) == [f"{NAME}.part"]


def test_a_connection_that_drops_after_the_rename_is_a_file_that_was_sent(clearinghouse: ClearinghouseServer) -> None:
    clearinghouse.faults.next("drop_after_rename")
    assert put(clearinghouse, "rename") is Sent.SENT
    assert arrived(clearinghouse)


def test_a_connection_that_drops_before_the_rename_is_renamed_and_not_sent_again(
    clearinghouse: ClearinghouseServer,
) -> None:
    clearinghouse.faults.next("drop_rename")
    assert put(clearinghouse, "rename") is Sent.SENT
    assert arrived(clearinghouse)


def test_a_drop_at_the_rename_that_cannot_be_looked_into_is_unconfirmed(clearinghouse: ClearinghouseServer) -> None:
    clearinghouse.faults.next("drop_rename", 9)
    assert put(clearinghouse, "rename") is Sent.UNCONFIRMED
    assert names(inbound(clearinghouse)) == [f"{NAME}.part"]


@MODES
def test_a_file_that_is_picked_up_at_once_is_unconfirmed_and_not_sent_twice(
    clearinghouse: ClearinghouseServer, mode: str
) -> None:
    clearinghouse.faults.next("picked_up", 9)
    assert put(clearinghouse, mode) is Sent.UNCONFIRMED
    assert clearinghouse.desk.taken == [NAME]
    assert names(inbound(clearinghouse)) == []


def test_a_piece_that_was_taken_in_the_open_is_not_followed_by_the_whole(clearinghouse: ClearinghouseServer) -> None:
    """Sent directly, a file can be taken while it is written: what was taken may be answered as this file."""
    clearinghouse.faults.next("drop_upload")
    clearinghouse.faults.next("picked_up")
    assert put(clearinghouse, "direct") is Sent.UNCONFIRMED
    assert names(inbound(clearinghouse)) == []


@MODES
def test_an_empty_file_is_sent_as_one(clearinghouse: ClearinghouseServer, mode: str) -> None:
    assert put(clearinghouse, mode, b"") is Sent.SENT
    assert (inbound(clearinghouse) / NAME).read_bytes() == b""


@MODES
def test_a_folder_that_may_not_be_written_to_refuses(clearinghouse: ClearinghouseServer, mode: str) -> None:
    inbound(clearinghouse).rmdir()
    with pytest.raises(NotSent, match="refused"):
        put(clearinghouse, mode)
