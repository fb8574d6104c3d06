"""`manage.py sandbox sheets` as a user runs it."""

import re
import signal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from backoffice.adapters.sheets.google import GoogleSheet
from backoffice.adapters.sheets.google_wire import account_of
from tests.processes import Processes


@pytest.mark.slow
def test_it_makes_up_a_sheet_and_a_key_that_logs_in_and_ends_with_0(processes: Processes, tmp_path: Path) -> None:
    running = processes.manage("sandbox", "sheets", "--port", "0", "--rows", "40", NIGHTWARD_HOME=str(tmp_path))
    said = running.says("Ctrl-C stops it.")
    found = re.search(r"Sheets at (\S+), spreadsheet (\S+), key file (\S+)\.\n", said)
    assert found is not None
    key_file = Path(found[3])
    assert key_file.stat().st_mode & 0o777 == 0o600
    sheet = GoogleSheet(account_of(key_file), found[2], base_url=found[1])
    rows = list(sheet.read())
    sheet.close()
    assert len(rows) == 40
    assert {row.source for row in rows} == {"WhatsApp", "front desk", "survey"}
    assert any(isinstance(row.phone, int) for row in rows)
    running.signal(signal.SIGTERM)
    assert running.ends() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "--port must be 0..65535"),
        (["--rows", "-1"], "--rows, --quota and --latency-ms are numbers from 0"),
        (["--data", "FOLDER"], "FOLDER: has no CSV file; each one is a sheet"),
        (["--fail", "http429=often"], "--fail http429=often: 'often' is no rate: 0..1 or 0%..100%"),
        (["--port", "0", "--key-file", "FOLDER"], "FOLDER: Is a directory"),
    ],
)
def test_wrong_use_is_said_in_one_line_with_status_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("sandbox", "sheets", *(text.replace("FOLDER", str(tmp_path)) for text in arguments))
    assert (str(caught.value), caught.value.returncode) == (message.replace("FOLDER", str(tmp_path)), 2)
