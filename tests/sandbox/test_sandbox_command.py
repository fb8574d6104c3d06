"""`manage.py sandbox hospital` as a user runs it."""

import re
import signal
import socket
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.processes import Processes, Running
from tests.sandbox.world import COST_CENTER, Client


def hospital(processes: Processes, tmp_path: Path, *arguments: str, **environment: str) -> Running:
    """Start the command with a home of its own."""
    home = str(tmp_path / "home")
    return processes.manage("sandbox", "hospital", *arguments, NIGHTWARD_HOME=home, **environment)


def address(running: Running) -> str:
    found = re.search(r"Hospital at (\S+),", running.says("Ctrl-C stops it."))
    assert found is not None
    return found[1]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_data_it_makes_up_a_hospital_prints_a_token_and_ends_with_0(
    processes: Processes, tmp_path: Path, number: signal.Signals
) -> None:
    running = hospital(processes, tmp_path, "--port", "0")
    url = address(running)
    token = re.search(r"token (\S+)\.", running.output)
    assert token is not None
    with Client(url, token=token[1]) as client:
        assert client.data(COST_CENTER, id="D-101")["costCenter"]["active"] is True
    running.signal(number)
    assert running.ends() == 0
    assert len(running.output.splitlines()) == 1
    assert (tmp_path / "home" / "sandbox" / "hospital" / "appointments.csv").exists()


@pytest.mark.slow
def test_a_given_token_is_not_printed_and_writes_last_until_the_reset(
    processes: Processes, tmp_path: Path, folder: Path
) -> None:
    state = str(tmp_path / "state")
    for reset, expected in (((), 0), ((), 1), (("--reset",), 0)):
        running = hospital(
            processes, tmp_path, "--data", str(folder), "--port", "0", "--state", state, *reset, "--token", "hush-hush"
        )
        with Client(address(running), token="hush-hush") as client:
            assert client.control().json()["sessions_written"] == expected
            client.create()
        running.signal(signal.SIGTERM)
        assert running.ends() == 0
        assert "hush-hush" not in running.output


@pytest.mark.slow
def test_the_token_comes_from_the_environment_and_faults_from_the_options(
    processes: Processes, tmp_path: Path, folder: Path
) -> None:
    options = ("--fail", "lookup:case=25%", "--fail", "block:B-OLD=BLOCK_REJECTED", "--latency-ms", "2.5")
    running = hospital(
        processes,
        tmp_path,
        *("--data", str(folder), "--port", "0", "--slow-seconds", "3", *options),
        NIGHTWARD_SANDBOX_TOKEN="from-outside",
    )
    with Client(address(running), token="from-outside") as client:
        state = client.control().json()
    assert state["faults"] == {"lookup:case": 0.25, "block:B-OLD": "BLOCK_REJECTED"}
    assert (state["latency_ms"], state["slow_seconds"]) == (2.5, 3)
    assert "token from NIGHTWARD_SANDBOX_TOKEN." in running.output
    assert "from-outside" not in running.output


@pytest.mark.slow
def test_a_taken_port_is_one_line_and_status_2(processes: Processes, tmp_path: Path, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        running = hospital(processes, tmp_path, "--data", str(folder), "--port", port)
        assert running.ends() == 2
    assert running.output == f"CommandError: port {port} is taken; choose another with --port\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "FOLDER/none"], "FOLDER/none: no such folder"),
        (["--data", "FOLDER"], "FOLDER/cases.csv:1: the header must be id,patient_id,type,status"),
        (["--data", "FOLDER", "--state", "FOLDER/cases.csv"], "FOLDER/cases.csv: File exists"),
        (["--fail", "http429=often"], "--fail http429=often: 'often' is no rate: 0..1 or 0%..100%"),
        (["--port", "70000"], "--port must be 0..65535"),
    ],
)
def test_wrong_use_is_said_in_one_line_with_status_2(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "cases.csv").write_text("id\n")
    with pytest.raises(CommandError) as caught:
        call_command("sandbox", "hospital", *(text.replace("FOLDER", str(folder)) for text in arguments))
    assert (str(caught.value), caught.value.returncode) == (message.replace("FOLDER", str(folder)), 2)
