"""The sandbox hospital as a process of its own: it shares neither interpreter nor memory with what is measured."""

import json
import secrets
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from backoffice.bench.processes import MANAGE, BenchFailed, environment, run, serving

END = date(2025, 1, 1)
# The sandbox is not imported: it is a peer, and here as everywhere it is spoken to over its socket.
GENERATE = (
    "import sys; from datetime import date; from pathlib import Path;"
    "from backoffice.sandbox.hospital.generate import generate;"
    "generate(Path(sys.argv[1]), appointments=int(sys.argv[2]), seed=1,"
    " start=date.fromisoformat(sys.argv[3]), end=date.fromisoformat(sys.argv[4]))"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class HospitalData:
    """A folder of made-up appointments, and the days that hold them all in whatever zone."""

    folder: Path
    appointments: int
    begins: date
    ends: date


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedHospital:
    """A hospital that nobody has written to yet."""

    url: str
    token: str = field(repr=False)

    def state(self, *listed: str) -> dict[str, Any]:
        """What it has seen: calls, requests, max_in_flight, sessions_written, keys_received; `listed` ones in full."""
        request = urllib.request.Request(  # noqa: S310 (our own loopback address)
            self.url.replace("/graphql", "/control"),
            data=json.dumps({"list": listed}).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            state: dict[str, Any] = json.load(answer)
        return state


def make_data(folder: Path, *, appointments: int, days: int) -> HospitalData:
    """The same data for the same arguments, in `folder`."""
    begins = END - timedelta(days=days)
    program = (MANAGE[0], "-c", GENERATE, str(folder / "data"), str(appointments), str(begins), str(END))
    run(*program, env=environment(folder / "home"))
    return HospitalData(
        folder=folder / "data",
        appointments=appointments,
        begins=begins - timedelta(days=1),
        ends=END + timedelta(days=1),
    )


@contextmanager
def served(data: HospitalData, home: Path, *, latency_ms: float) -> Iterator[ServedHospital]:
    """A hospital on a port of the system's choice, which keeps its writes in memory only."""
    token = secrets.token_urlsafe(16)
    env = {**environment(home), "NIGHTWARD_SANDBOX_TOKEN": token}
    options = ("--data", str(data.folder), "--port", "0", "--latency-ms", str(latency_ms))
    with serving(*MANAGE, "sandbox", "hospital", *options, env=env) as line:
        url = next((word.rstrip(",") for word in line.split() if word.startswith("http")), None)
        if url is None:
            raise BenchFailed("The sandbox hospital did not say where it listens.")
        yield ServedHospital(url=url, token=token)
