"""Writes outlive the server: over stop and start, over kill -9, until they are reset."""

import re
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from backoffice.sandbox.hospital import Hospital, JournalError
from backoffice.sandbox.hospital.journal import FILE, Journal
from tests.processes import ROOT, Processes, Running, until
from tests.sandbox.world import TOKEN, Client, client_of, write_world

PROGRAM = """
import sys, time
from pathlib import Path
from backoffice.sandbox.hospital import Hospital
print("at", Hospital(Path(sys.argv[1]), token=sys.argv[2], state=Path(sys.argv[3])).start().url, flush=True)
time.sleep(600)
"""


def serve(processes: Processes, folder: Path, state: Path) -> tuple[Running, str]:
    """A hospital in a process of its own, and its address."""
    arguments = (sys.executable, "-c", PROGRAM, str(folder), TOKEN, str(state))
    running = processes.start(*arguments, PYTHONPATH=str(ROOT))
    found = re.search(r"at (\S+)", running.says("/graphql"))
    assert found is not None
    return running, found[1]


def write_until_killed(url: str, numbers: range, answered: list[str]) -> None:
    """Write one session for each number and note its key once it is answered; return when the hospital is gone."""
    with Client(url) as client:
        for number in numbers:
            try:
                payload = client.create(key=f"k-{number}", appointmentId=f"V-{number}")
            except httpx2.TransportError:
                return
            assert payload["session"], payload
            answered.append(f"k-{number}")


@pytest.mark.slow
def test_after_kill_9_under_load_every_answered_write_is_there_once(processes: Processes, tmp_path: Path) -> None:
    """[X-20] The keys of writes whose answer was lost find their session, or create the only one."""
    folder, state = write_world(tmp_path / "data", visits=40_000), tmp_path / "state"
    running, url = serve(processes, folder, state)
    answered: list[str] = []
    with ThreadPoolExecutor(4) as threads:
        for first in range(4):
            threads.submit(write_until_killed, url, range(first, 40_000, 4), answered)
        until(lambda: len(answered) >= 100)
        running.signal(signal.SIGKILL)
    running.ends()  # only then is its lock free
    with Hospital(folder, token=TOKEN, state=state) as again, client_of(again) as client:
        keys = [str(session.idempotency_key) for session in again.sessions_written()]
        assert set(answered) <= set(keys)
        assert len(keys) == len(set(keys))
        for key in keys[-8:]:
            assert client.create(key=key, appointmentId=key.replace("k", "V"))["session"]
        assert len(again.sessions_written()) == len(keys)


def test_writes_cancellations_and_mended_records_outlive_a_restart(folder: Path, tmp_path: Path) -> None:
    hospital = Hospital(folder, token=TOKEN, state=tmp_path / "state")
    with hospital, client_of(hospital) as client:
        client.create()
        client.create(key="k-2", appointmentId="A-1", services=[{"blockCode": "B-ANY", "quantity": 3}])
        hospital.cancel_session("S-1")
        hospital.cancel_session(hospital.sessions_written()[0].id)
        hospital.put("cases", {"id": "C-1", "patient_id": "P-1", "type": "OUTPATIENT", "status": "CLOSED"})
        before = hospital.sessions_written()
        port = hospital.port
    with hospital, client_of(hospital) as client:
        assert hospital.port == port
        assert hospital.sessions_written() == before
        assert [one.status for one in hospital.store.sessions_of(["A-1"])[0].services] == ["CANCELLED", "CANCELLED"]
        assert client.refusals(key="k-3") == [("CASE_CLOSED", None)]


def test_without_a_state_folder_writes_live_as_long_as_the_hospital(folder: Path) -> None:
    hospital = Hospital(folder, token=TOKEN)
    for _ in range(2):
        with hospital, client_of(hospital) as client:
            client.create()
    assert len(hospital.sessions_written()) == 1
    assert Hospital(folder, token=TOKEN).sessions_written() == []


def test_a_reset_forgets_what_was_written(folder: Path, tmp_path: Path) -> None:
    with Hospital(folder, token=TOKEN, state=tmp_path) as hospital, client_of(hospital) as client:
        client.create()
    with Hospital(folder, token=TOKEN, state=tmp_path, reset=True) as hospital:
        assert hospital.sessions_written() == []
    with Hospital(folder, token=TOKEN, state=tmp_path) as hospital:
        assert hospital.sessions_written() == []


def test_a_line_that_was_torn_by_the_kill_is_cut_off(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "here")
    journal.append({"cancel": "S-1"})
    journal.close()
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"cancel": "S-')
    for _ in range(2):
        journal = Journal(tmp_path, "here")
        assert journal.entries == [{"cancel": "S-1"}]
        journal.append({"cancel": "S-2"})
        journal.close()
        (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes().removesuffix(b'{"cancel":"S-2"}\n'))


def test_a_state_folder_belongs_to_one_process_and_one_source(folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = Hospital(folder, token=TOKEN, state=state)
    with pytest.raises(JournalError, match="in use by another hospital"):
        Hospital(folder, token=TOKEN, state=state)
    first.stop()
    other = write_world(tmp_path / "other")
    with pytest.raises(JournalError, match=r"keeps what was written to .*/data; start with --reset"):
        Hospital(other, token=TOKEN, state=state)
    Hospital(other, token=TOKEN, state=state, reset=True).stop()


def test_a_journal_that_is_none_and_a_closed_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("not json\n")
    with pytest.raises(JournalError, match=rf"{FILE}:1: not a journal entry"):
        Journal(tmp_path, "here")
    with pytest.raises(JournalError, match="File exists"):
        Journal(tmp_path / FILE, "here")
    journal = Journal(tmp_path, "here", reset=True)
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append({})


def test_a_demo_beside_a_hospital_that_is_open_changes_nothing(
    folder: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.NIGHTWARD_HOME = tmp_path
    refused = pytest.raises(CommandError, match="with Ctrl-C first")
    with Hospital(folder, token=TOKEN, state=tmp_path / "demo" / "state"), refused:
        call_command("demo")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["state"]
