"""OpenSSH's server with internal-sftp on a port of its own, as the account that runs the tests."""

import getpass
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncssh

from backoffice.adapters.sftp import Server
from tests.needs import sshd

Process = subprocess.Popen[bytes]


@contextmanager
def openssh(folder: Path, home: Path) -> Iterator[tuple[Server, Process]]:
    """How the adapter is told of it, and its process; `home` is where its users begin."""
    host, user = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    (folder / "host_key").write_bytes(host.export_private_key())
    (folder / "host_key").chmod(0o600)
    (folder / "authorized_keys").write_bytes(user.export_public_key())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"Subsystem sftp internal-sftp -d {home}\n"
    )
    command = [sshd() or "sshd", "-D", "-e", "-f", str(folder / "sshd_config")]
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it confines itself before a login
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            _wait_for(port, process)
            known_hosts = f"[127.0.0.1]:{port} {host.export_public_key().decode()}"
            key = user.export_private_key().decode()
            told = Server(
                host="127.0.0.1", port=port, user=getpass.getuser(), private_key=key, known_hosts=known_hosts,
                timeout=10, pause=0.01,
            )  # fmt: skip
            yield told, process
        finally:
            process.terminate()


@contextmanager
def frozen(process: Process, *, when: Callable[[], bool]) -> Iterator[None]:
    """What serves the connections that there are now is stopped as soon as `when` is so, and goes on at the end."""
    those = _children(process.pid)

    def freeze() -> None:
        while not when():
            time.sleep(0.001)
        _tell(those, signal.SIGSTOP)

    thread = threading.Thread(target=freeze, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(timeout=5)
        _tell(those, signal.SIGCONT)


def _tell(processes: list[int], number: signal.Signals) -> None:
    for each in processes:
        with suppress(ProcessLookupError):  # what greeted the client has gone
            os.kill(each, number)


def _children(process: int) -> list[int]:
    """Its children and theirs."""
    found = [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return found + [below for each in found for below in _children(each)]


def _wait_for(port: int, process: Process) -> None:
    for _ in range(200):
        assert process.poll() is None, "sshd has ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("sshd does not listen")
