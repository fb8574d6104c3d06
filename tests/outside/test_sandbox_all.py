"""`manage.py sandbox all`, and the new peers' commands, as a user runs them."""

import re
import signal
import smtplib
import socket
from pathlib import Path

import httpx2
import pytest
from django.core.management import CommandError, call_command

from tests.processes import Processes


@pytest.mark.slow
def test_all_peers_start_by_one_command_and_end_with_0(processes: Processes, tmp_path: Path) -> None:
    running = processes.manage("sandbox", "all", "--free-ports", "--token", "hush-hush", NIGHTWARD_HOME=str(tmp_path))
    said = running.says("All of them serve. Ctrl-C stops them.", within=60)  # eight starts in one
    addresses = dict(
        re.findall(r"^(Hospital|FHIR server|Sheets|Clearinghouse|Twilio|pVerify|FCM) at ([^\s,]+)", said, re.MULTILINE)
    )
    assert len(addresses) == 7
    with httpx2.Client(headers={"Authorization": "Bearer hush-hush"}, trust_env=False) as http:
        for name in ("Twilio", "pVerify", "FCM"):
            assert http.post(f"{addresses[name]}/control", json={}).json()["requests"] == 0
    with smtplib.SMTP("127.0.0.1", int(re.findall(r"EMAIL_URL=smtp://127\.0\.0\.1:(\d+)", said)[0]), timeout=5) as smtp:
        assert smtp.noop()[0] == 250
    assert (tmp_path / "sandbox" / "fcm" / "service-account.json").stat().st_mode & 0o777 == 0o600
    running.signal(signal.SIGINT)
    assert running.ends() == 0
    assert "hush-hush" not in running.output


def test_a_taken_port_is_one_line_and_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for peer in ("twilio", "pverify", "fcm", "smtp"):
            with pytest.raises(CommandError, match=f"port {port} is taken") as caught:
                call_command("sandbox", peer, "--port", port)
            assert caught.value.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["twilio", "--fail", "http418=1"], "--fail http418=1: 'http418' is none of"),
        (["twilio", "--quiet-zone", "Mars/Olympus"], "--quiet-zone Mars/Olympus: no such time zone"),
        (["pverify", "--funds", "-1"], "--funds and --pending-polls are numbers from 0"),
        (["fcm", "--port", "0", "--key-file", "FOLDER"], "FOLDER: Is a directory"),
        (["smtp", "--port", "70000"], "--port must be 0..65535"),
    ],
)
def test_wrong_use_is_said_in_one_line_with_status_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("sandbox", *(text.replace("FOLDER", str(tmp_path)) for text in arguments))
    assert str(caught.value).startswith(message.replace("FOLDER", str(tmp_path)))
    assert caught.value.returncode == 2
