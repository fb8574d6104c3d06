"""Sekmet, a FHIR server that others wrote, in an environment of its own that is made once for all checkouts."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import httpx2

from tests.processes import Running, until

LOCK: Final = Path(__file__).with_name("requirements-sekmet.txt")
CLIENT, SECRET, STAFF = "nightward", "a-secret-of-sekmet", "token-of-the-staff"
PROGRAM: Final = "from sekmet.cli import app; app()"


def environment() -> Path:
    """Where the environment of this lock and this Python is, or would be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    made_from = LOCK.read_bytes() + sys.version.encode()
    return cache / "nightward-tests" / f"sekmet-{sha256(made_from).hexdigest()[:16]}"


def python() -> Path | None:
    """The Python that has Sekmet. The environment is made where it is missing; None where that does not succeed.

    It is moved into place whole. Test processes that others have started only look for it.
    """
    home = environment()
    if not home.exists() and "PYTEST_XDIST_WORKER" not in os.environ:
        home.parent.mkdir(parents=True, exist_ok=True)
        with (home.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not home.exists():
                _make(home)
    return home / "bin" / "python" if home.exists() else None


def _make(home: Path) -> None:
    draft = home.with_name(f".{home.name}.{os.getpid()}")
    uv, quick = [sys.executable, "-m", "uv"], {**os.environ, "UV_HTTP_TIMEOUT": "20"}
    install = ["pip", "install", "--quiet", "--python", str(draft), "--require-hashes", "-r", str(LOCK)]
    try:
        for arguments in (["venv", "--quiet", "--relocatable", "--python", sys.executable, str(draft)], install):
            if subprocess.run([*uv, *arguments], env=quick, check=False, capture_output=True).returncode:
                return
        draft.rename(home)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


class Sekmet:
    """A server that runs: its addresses, and what staff may do."""

    def __init__(self, port: int, *, guarded: bool) -> None:
        self.guarded = guarded
        self.url, self.token_url = f"http://127.0.0.1:{port}/fhir", f"http://127.0.0.1:{port}/auth/token"
        self._http = httpx2.Client(headers={"Authorization": f"Bearer {STAFF}"}, timeout=30, trust_env=False)

    def answers(self) -> bool:
        try:
            return self._http.get(f"{self.url}/metadata").status_code == 200
        except httpx2.TransportError:
            return False

    def put(self, patients: list[dict[str, Any]]) -> None:
        """Add or change patients, as staff."""
        entries = [{"resource": one, "request": {"method": "PUT", "url": f"Patient/{one['id']}"}} for one in patients]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        answer = self._http.post(self.url, json=bundle).json()
        statuses = {entry["response"]["status"][:3] for entry in answer["entry"]}
        assert statuses <= {"200", "201"}, answer

    def read(self, key: str) -> dict[str, Any]:
        """A patient as it is."""
        found: dict[str, Any] = self._http.get(f"{self.url}/Patient/{key}").json()
        return found

    def delete(self, keys: list[str]) -> None:
        """Delete patients, as staff."""
        for key in keys:
            assert self._http.delete(f"{self.url}/Patient/{key}").status_code in (200, 204)

    def everybody(self, keys: list[str]) -> dict[str, dict[str, Any]]:
        """These patients as they are, by id; who is not there is left out."""
        found = {}
        for begin in range(0, len(keys), 100):
            entries = [{"request": {"method": "GET", "url": f"Patient/{key}"}} for key in keys[begin : begin + 100]]
            bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
            for entry in self._http.post(self.url, json=bundle).json()["entry"]:
                if entry["response"]["status"].startswith("200"):
                    found[entry["resource"]["id"]] = entry["resource"]
        return found

    def close(self) -> None:
        self._http.close()


@contextmanager
def serve(*, token_seconds: int | None = None) -> Iterator[Sekmet]:
    """A server without patients; open, or with client credentials whose tokens last so long."""
    program, folder = python(), Path(mkdtemp(prefix="nightward-sekmet-"))
    assert program is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "settings.yaml").write_text(json.dumps(_settings(port, folder, token_seconds)))  # JSON is YAML
    arguments = [str(program), "-c", PROGRAM, "serve", "--config", str(folder / "settings.yaml")]
    running, server = (
        Running(arguments, {**os.environ, "NO_PROXY": "*"}),
        Sekmet(port, guarded=token_seconds is not None),
    )
    try:
        until(lambda: server.answers() or running.process.poll() is not None, within=60, what="Sekmet")
        assert running.process.poll() is None, running.output
        yield server
    finally:
        server.close()
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _settings(port: int, folder: Path, token_seconds: int | None) -> dict[str, Any]:
    auth: dict[str, Any] = {"types": ["none"]}
    if token_seconds is not None:
        clients = [{"client_id": CLIENT, "client_secret": SECRET}]
        auth = {"types": ["bearer", "smart"], "tokens": [STAFF], "smart_clients": clients}
        auth["token_lifetime"] = token_seconds
    return {
        "base_url": f"http://127.0.0.1:{port}/fhir",
        "host": "127.0.0.1",
        "port": port,
        "data_dir": str(folder),
        "log_inbound": False,
        "simulator": {"enabled": False},
        "validation": {"inbound": "off"},
        "server_auth": auth,
    }
