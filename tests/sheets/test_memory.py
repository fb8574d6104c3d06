"""Memory stays flat from 1,000 to 100,000 rows, within what a region's worker has (S1-05)."""

import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from backoffice.sandbox.sheets import Book, SheetsServer
from backoffice.sandbox.sheets.quota import Quota
from tests.processes import ROOT
from tests.sheets.world import HEADER, SHEET, many

WORK = """
import sys
from pathlib import Path
from backoffice.adapters.sheets import Status, Workbook, post_statuses
from backoffice.adapters.sheets.google import GoogleSheet
from backoffice.adapters.sheets.google_wire import account_of
if sys.argv[1] == "google":
    sheet = GoogleSheet(account_of(Path(sys.argv[2])), "sandbox-sheet", base_url=sys.argv[3])
else:
    sheet = Workbook(Path(sys.argv[2]))
rows, chunk = 0, []
for row in sheet.read():
    rows += 1
    if len(chunk) < 100 or rows % 5000 == 0:
        chunk.append(Status(row.number, row.key, "success"))
posted = post_statuses(sheet, chunk)
assert len(posted.written) == len(chunk)
print(Path("/proc/self/status").read_text())
"""


def peak(*arguments: object) -> int:
    """MiB of a fresh process that reads a sheet and writes statuses at its beginning and end."""
    done = subprocess.run(
        [sys.executable, "-c", WORK, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = re.search(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert found is not None
    return int(found[1]) // 1024


def workbook(path: Path, count: int) -> Path:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    sheet.append(list(HEADER))
    for number in range(count):
        sheet.append(
            [f"F{number % 3}", f"0812{number:08d}", f"3303{number:012d}", f"Name {number}", "WhatsApp", "", ""]
        )
    book.save(path)
    return path


@pytest.mark.slow
def test_a_workbook_of_100_000_rows_takes_little_more_than_one_of_1_000(tmp_path: Path) -> None:
    small = peak("xlsx", workbook(tmp_path / "small.xlsx", 1_000))
    large = peak("xlsx", workbook(tmp_path / "large.xlsx", 100_000))
    assert large < 128
    assert large - small < 64


@pytest.mark.slow
def test_a_google_sheet_of_100_000_rows_takes_little_more_than_one_of_1_000(tmp_path: Path) -> None:
    with SheetsServer(Book({SHEET: many(100_000)}), quota=Quota(0)) as server:
        key_file = server.make_key_file(tmp_path / "key.json")
        large = peak("google", key_file, server.url)
        server.book = Book({SHEET: many(1_000)})
        small = peak("google", key_file, server.url)
    assert large < 128
    assert large - small < 64
