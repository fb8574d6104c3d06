"""The sandbox's FHIR server and spreadsheet as processes of their own, with the same made-up people in both."""

import json
import secrets
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backoffice.bench.processes import MANAGE, BenchFailed, environment, serving

SYSTEM = "https://fhir.kemkes.go.id/id/nik"
SPREADSHEET = "sandbox-sheet"


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncPeers:
    """Nobody has asked or written yet. `token` is the FHIR server's, `key_file` the spreadsheet's service account."""

    fhir_url: str
    sheets_url: str
    key_file: Path
    token: str = field(repr=False)

    def counts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the FHIR server and the spreadsheet say of themselves: requests, calls, written and more."""
        return self._state(self.fhir_url.replace("/fhir", "")), self._state(self.sheets_url)

    def _state(self, base: str) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 (our own loopback address)
            f"{base}/control",
            data=b"{}",
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            state: dict[str, Any] = json.load(answer)
        return state


@contextmanager
def sync_peers(folder: Path, *, rows: int, latency_ms: float, quota: int = 60) -> Iterator[SyncPeers]:
    """Both on ports of the system's choice; each answer takes `latency_ms`, the sheet takes `quota` calls a minute."""
    token, key_file = secrets.token_urlsafe(16), folder / "key.json"
    env = {**environment(folder / "sandbox-home"), "NIGHTWARD_SANDBOX_TOKEN": token}
    alike = ("--port", "0", "--latency-ms", str(latency_ms))
    fhir = ("fhir", *alike, "--patients", str(rows))
    sheets = ("sheets", *alike, "--rows", str(rows), "--key-file", str(key_file), "--quota", str(quota))
    with ExitStack() as stack:
        lines = [stack.enter_context(serving(*MANAGE, "sandbox", *peer, env=env)) for peer in (fhir, sheets)]
        fhir_url, sheets_url = map(_address, lines)
        yield SyncPeers(fhir_url=fhir_url, sheets_url=sheets_url, key_file=key_file, token=token)


def _address(line: str) -> str:
    url = next((word.rstrip(",.") for word in line.split() if word.startswith("http")), None)
    if url is None:
        raise BenchFailed("A sandbox server did not say where it listens.")
    return url
