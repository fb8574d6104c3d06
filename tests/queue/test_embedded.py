"""The bundled queue server: one for all, gone with its last user, and nothing lost when it is killed."""

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from backoffice import embedded
from backoffice.embedded import BundledServer, QueueUnavailable, queue_socket, queue_url
from tests.processes import ROOT, Processes, alive, until, workers_of


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BundledServer]:
    """A server on a home of its own, not started."""
    server = BundledServer(tmp_path)
    yield server
    server.leave()


def pid_of(server: BundledServer) -> int:
    return int((server.folder / "valkey.pid").read_text())


def test_it_answers_on_a_socket_that_only_this_user_can_open(server: BundledServer) -> None:
    server.ensure()
    embedded.ping(server.url)
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    with Redis.from_url(server.url) as client:
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_asking_again_finds_the_same_server(server: BundledServer) -> None:
    server.ensure()
    first = pid_of(server)
    server.ensure()
    assert pid_of(server) == first


def test_a_killed_server_loses_no_job(server: BundledServer) -> None:
    server.ensure()
    pid = pid_of(server)
    with Redis.from_url(server.url) as client:
        for number in range(200):
            Queue(connection=client).enqueue("print", number)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid))
        server.ensure()
        assert len(Queue(connection=client)) == 200


def test_what_is_queued_outlives_a_stop(server: BundledServer) -> None:
    server.ensure()
    with Redis.from_url(server.url) as client:
        Queue(connection=client).enqueue("print", 1)
        server.leave()
        server.ensure()
        assert len(Queue(connection=client)) == 1


def ensure_in_step(
    home: Path, barrier: "multiprocessing.synchronize.Barrier", pids: "multiprocessing.Queue[int]"
) -> None:
    server = BundledServer(home)
    barrier.wait()
    server.ensure()
    pids.put(pid_of(server))
    barrier.wait()
    server.leave()


@pytest.mark.slow
def test_starters_at_the_same_time_get_one_server(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, pids = context.Barrier(4), context.Queue()
    starters = [context.Process(target=ensure_in_step, args=(tmp_path, barrier, pids)) for _ in range(4)]
    for starter in starters:
        starter.start()
    found = {pids.get(timeout=30) for _ in starters}
    for starter in starters:
        starter.join(30)
        assert starter.exitcode == 0
    assert len(found) == 1
    assert not alive(found.pop())


def test_the_last_user_stops_it_and_no_one_before(tmp_path: Path) -> None:
    first, second = BundledServer(tmp_path), BundledServer(tmp_path)
    first.ensure()
    second.ensure()
    pid = pid_of(first)
    first.leave()
    embedded.ping(second.url)
    second.leave()
    assert not alive(pid)


def test_a_user_that_was_killed_holds_nothing(server: BundledServer, processes: Processes, tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from backoffice.embedded import BundledServer
BundledServer(Path({str(tmp_path)!r})).ensure()
print("holds", flush=True)
time.sleep(60)
"""
    user = processes.start(sys.executable, "-c", code, PYTHONPATH=str(ROOT))
    user.says("holds")
    user.signal(signal.SIGKILL)
    user.ends()
    pid = pid_of(server)
    assert alive(pid)
    server.ensure()
    assert pid_of(server) == pid
    server.leave()
    assert not alive(pid)


def test_a_server_that_does_not_listen_is_killed(server: BundledServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP_SECONDS", 0.1)
    monkeypatch.setattr(embedded, "ANSWER_SECONDS", 0.2)
    server.ensure()
    pid = pid_of(server)
    os.kill(pid, signal.SIGSTOP)
    server.stop()
    assert not alive(pid)


@pytest.mark.parametrize("name", ["long" * 30, "a b", "a=b", "a?b#c%20d", "später"])
def test_a_home_whose_path_will_not_do_for_a_socket_gets_another(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    server = BundledServer(home)
    assert len(os.fsencode(server.socket)) <= embedded.SOCKET_PATH_LIMIT
    assert server.socket != queue_socket(tmp_path / f"{name} other")
    server.ensure()
    assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    with Redis.from_url(server.url) as client:
        assert str(server.socket) in client.client_info()["addr"]  # RQ's workers ask this
    server.leave()
    assert not server.socket.parent.exists()


def test_somebody_elses_folder_in_the_way_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / ("long" * 30)
    server = BundledServer(home)
    server.socket.parent.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(QueueUnavailable, match="belongs to another user"):
        server.ensure()
    server.socket.parent.rmdir()


def test_a_server_that_cannot_start_says_why(server: BundledServer) -> None:
    files = server.folder / "appendonlydir"
    files.mkdir(parents=True)
    (files / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(QueueUnavailable, match=r"ended as it began: .*Set REDIS_URL"):
        server.ensure()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://:secret@127.0.0.1:1/0", "redis://127.0.0.1:1/0 does not answer"),
        pytest.param("unix:///nowhere/redis.sock", "does not answer", marks=pytest.mark.slow),
        pytest.param("postgres://127.0.0.1", "does not answer", marks=pytest.mark.slow),
    ],
)
def test_a_redis_that_does_not_answer_is_named_without_its_password(processes: Processes, url: str, said: str) -> None:
    work = processes.manage("work", REDIS_URL=url)
    assert work.ends() == 2
    lines = work.output.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert "unset REDIS_URL" in lines[0]
    assert "secret" not in lines[0]


@pytest.mark.slow
def test_importing_the_settings_starts_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "NIGHTWARD_HOME": str(tmp_path), "REDIS_URL": ""}
    subprocess.run([sys.executable, "manage.py", "check"], env=environment, check=True, capture_output=True)
    assert not (tmp_path / "queue").exists()


@pytest.mark.slow
def test_a_command_that_asked_for_it_leaves_no_server_behind(processes: Processes, tmp_path: Path) -> None:
    work = processes.manage("work", NIGHTWARD_HOME=str(tmp_path), REDIS_URL="")
    pid_file = tmp_path / "queue" / "valkey.pid"
    until(lambda: workers_of(queue_url(tmp_path)))
    pid = int(pid_file.read_text())
    work.signal(signal.SIGTERM)
    assert work.ends() == 0
    assert not alive(pid)
