"""`manage.py sandbox clearinghouse` as a user runs it, and its /control."""

import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.core.management import CommandError, call_command

from backoffice.adapters.sftp import Sent, Server, connect
from backoffice.sandbox.clearinghouse import Account, ClearinghouseServer
from regions.clearinghouse import server_of
from regions.regionfile import parse
from tests.processes import Processes
from tests.sandbox.test_clearinghouse_answers import SENT
from tests.sftp.world import account


@pytest.mark.slow
def test_it_prints_what_a_region_needs_and_answers_what_is_put_there(processes: Processes, tmp_path: Path) -> None:
    running = processes.manage("sandbox", "clearinghouse", "--port", "0", "--pay", NIGHTWARD_HOME=str(tmp_path))
    said = running.says("Ctrl-C stops it.")
    password = re.search(r"user clinic, password (\S+)\.\n", said)
    snippet = re.search(r"For a region's file:\n(\{.*?\n\})\n", said, re.DOTALL)
    assert password is not None
    assert snippet is not None
    document = {"name": "purbalingga", "time_zone": "Asia/Jakarta", **json.loads(snippet[1])}
    file = parse(json.dumps(document), environ={"SANDBOX_SFTP_PASSWORD": password[1]})
    server = server_of(file.columns["clearinghouse"], file.env_vars)
    assert f"\n{server.known_hosts}\n" in said
    with connect(server) as mailbox:
        assert mailbox.put("OATEST_837P_a.txt", SENT) is Sent.SENT
        ends = time.monotonic() + 20
        while not (names := [file.name for file in mailbox.listing()]) and time.monotonic() < ends:
            time.sleep(0.1)
    assert names
    running.signal(signal.SIGTERM)
    assert running.ends() == 0
    assert (tmp_path / "sandbox" / "clearinghouse" / "host_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "--port must be 0..65535"),
        (["--after-bytes", "-1"], "--after-bytes is a number from 0"),
        (["--fail", "full_disk=often"], "--fail full_disk=often: 'often' is no rate: 0..1 or 0%..100%"),
        (["--reject", "999"], "--reject 999: is not STAGE=CLM01; stages are 999, 277ca, payer, 835"),
        (["--folder", "FOLDER/file"], "FOLDER/file: Not a directory"),
    ],
)
def test_wrong_use_is_said_in_one_line_with_status_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "file").touch()
    folder = ["--folder", str(tmp_path / "mailbox")]
    with pytest.raises(CommandError) as caught:
        call_command(
            "sandbox", "clearinghouse", *folder, *(text.replace("FOLDER", str(tmp_path)) for text in arguments)
        )
    assert (str(caught.value), caught.value.returncode) == (message.replace("FOLDER", str(tmp_path)), 2)


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with ClearinghouseServer(tmp_path / "a", account=Account(password="p")) as server:
        again = ClearinghouseServer(tmp_path / "b", account=Account(password="p"), port=server.port)
        with pytest.raises(OSError, match="in use"):
            again.start()


def control(server: ClearinghouseServer, orders: Any, token: str = "t0ken") -> httpx2.Response:
    return httpx2.post(server.control_url, json=orders, headers={"Authorization": f"Bearer {token}"})


def test_it_is_told_to_misbehave_by_who_has_the_token(tmp_path: Path) -> None:
    who = Account(password="s3cret-of-the-mailbox")
    with ClearinghouseServer(tmp_path, account=who, token="t0ken", sweeping=False) as server:
        assert control(server, {}, "wr0ng").status_code == 401
        assert control(server, {"explode": True}).status_code == 400
        assert control(server, {"reject": {"nowhere": ["A"]}}).status_code == 400
        state = control(
            server,
            {
                "faults": {"hold": "100%"}, "next": {"full_disk": 1}, "after_bytes": 5, "slow_seconds": 1, "pay": True,
                "zip": True, "summary": True,
                "reject": {"277ca": ["A1"]}, "list": ["taken"],
            },
        ).json()  # fmt: skip
        assert state["faults"] == {"hold": 1.0}
        assert state["reject"]["277ca"] == ["A1"]
        assert (state["pay"], state["taken"], state["delivered"], state["after_bytes"]) == (True, [], 0, 5)
        assert (state["zip"], state["summary"]) == (True, True)
        told: Server = account(server)
        with connect(told) as mailbox:
            assert mailbox.put("a.txt", SENT) is Sent.SENT
        server.desk.sweep()
        server.desk.sweep()
        state = control(server, {"clear": True}).json()
        assert (state["held"] > 0, state["fired"], state["logins"]) == (
            True, {"full_disk": 1, "hold": 1}, {"accepted": 2},
        )  # fmt: skip
        assert control(server, {"release": True, "list": ["delivered"]}).json()["delivered"]
