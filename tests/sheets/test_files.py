"""A workbook is replaced whole or not at all, by one writer at a time, and never over what somebody else has saved."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from backoffice.adapters.sheets import SheetUnavailable, Workbook, post_statuses
from tests.processes import ROOT, until
from tests.sheets.world import QUICK, many, rows_of, status, table, write_xlsx, xlsx_statuses

HOLD = """
import fcntl, sys
with open(sys.argv[1], "rb") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    input()
"""
WRITE = """
import sys
from pathlib import Path
from backoffice.adapters.sheets import Status, Workbook, post_statuses
workbook = Workbook(Path(sys.argv[1]))
rows = list(workbook.read())[int(sys.argv[2])::2]
input()
for row in rows:
    post_statuses(workbook, [Status(row.number, row.key, f"success {sys.argv[2]}")])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_xlsx(tmp_path / "phones.xlsx", table())


@pytest.mark.slow
def test_two_processes_at_once_lose_no_status(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "phones.xlsx", many(40))
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(path), n], cwd=ROOT, stdin=subprocess.PIPE, text=True)
        for n in "01"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait(60) for writer in writers] == [0, 0]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    assert xlsx_statuses(path) == [f"success {n % 2}" for n in range(40)]


def test_who_holds_the_file_is_waited_for_a_while(path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    workbook = Workbook(path, lock_seconds=0.2)
    row = rows_of(workbook)[0]
    with pytest.raises(SheetUnavailable, match="locked"):
        post_statuses(workbook, [status(row)])
    posted: list[object] = []
    waiting = threading.Thread(target=lambda: posted.append(post_statuses(Workbook(path), [status(row)])))
    waiting.start()
    time.sleep(0.3)
    assert posted == []
    holder.communicate("go\n", timeout=10)
    waiting.join(10)
    assert xlsx_statuses(path)[0] == "success"


@pytest.mark.parametrize("lock", [".~lock.phones.xlsx#", "~$phones.xlsx"])
def test_a_workbook_that_is_open_in_a_spreadsheet_program_is_left_alone(path: Path, lock: str) -> None:
    before = path.read_bytes()
    (path.parent / lock).write_text("")
    workbook = Workbook(path)
    with pytest.raises(SheetUnavailable, match="open_elsewhere") as raised:
        post_statuses(workbook, [status(rows_of(workbook)[0])])
    assert "close it" in str(raised.value)
    assert path.read_bytes() == before


def test_what_is_saved_between_reading_the_keys_and_writing_is_not_lost(path: Path) -> None:
    """X-09: the keys are read again, and the status follows its row."""
    workbook = Workbook(path)
    row = rows_of(workbook)[0]
    read_keys = workbook.read_keys
    saved: list[Path] = []

    def read_keys_and_save(first: int = 2, last: int | None = None) -> object:
        found = list(read_keys(first, last))
        if not saved:
            saved.append(write_xlsx(path, [*table()[:1], ["", "0899", "new", "", "", "", "kept"], *table()[1:]]))
        return iter(found)

    workbook.read_keys = read_keys_and_save  # type: ignore[method-assign, assignment]
    assert post_statuses(workbook, [status(row)], QUICK).written == {2: 3}
    assert xlsx_statuses(path)[:2] == ["kept", "success"]


def test_a_full_disk_leaves_the_old_file_and_no_draft(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook = Workbook(path)
    row = rows_of(workbook)[0]
    before = path.read_bytes()

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backoffice.adapters.sheets.files.os.fsync", no_space)
    with pytest.raises(SheetUnavailable, match=r"disk \(No space left on device\)"):
        post_statuses(workbook, [status(row)])
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_mode_and_link_are_kept(path: Path, tmp_path: Path) -> None:
    path.chmod(0o640)
    link = tmp_path / "link.xlsx"
    link.symlink_to(path)
    workbook = Workbook(link)
    post_statuses(workbook, [status(rows_of(workbook)[0])])
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert xlsx_statuses(path)[0] == "success"


def test_who_reads_meanwhile_reads_the_old_file_to_its_end(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "phones.xlsx", many(500))
    reading = Workbook(path).read()
    first = next(reading)
    post_statuses(Workbook(path), [status(first)])
    assert sum(1 for _ in reading) == 499
    until(lambda: xlsx_statuses(path)[0] == "success")
