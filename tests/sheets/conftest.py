from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from backoffice.adapters.sheets.google import GoogleSheet
from backoffice.adapters.sheets.google_wire import account_of
from backoffice.sandbox.sheets import Book, SheetsServer
from backoffice.sandbox.sheets.quota import Quota
from tests.sheets.world import QUICK, SHEET, table

Open = Callable[..., GoogleSheet]


@pytest.fixture
def server() -> Iterator[SheetsServer]:
    """The small sheet, served without a quota."""
    with SheetsServer(Book({SHEET: table()}), quota=Quota(0)) as served:
        yield served


@pytest.fixture
def key_file(server: SheetsServer, tmp_path: Path) -> Path:
    return server.make_key_file(tmp_path / "service-account.json")


@pytest.fixture
def connect(server: SheetsServer, key_file: Path) -> Iterator[Open]:
    """Opens the served sheet with gspread's client; closed after the test."""
    with ExitStack() as opened:

        def open_sheet(spreadsheet: str = server.spreadsheet, worksheet: str = SHEET, **options: Any) -> GoogleSheet:
            given = {"timeout": 5.0, "patience": QUICK, "base_url": server.url, **options}
            sheet = GoogleSheet(account_of(key_file), spreadsheet, worksheet, **given)
            return opened.enter_context(closing(sheet))

        yield open_sheet
