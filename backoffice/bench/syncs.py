"""One measured sync: a fresh process on a fresh home and database, with servers that nobody has asked before."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from backoffice.bench.databases import Database
from backoffice.bench.processes import MANAGE, ROOT, Usage, environment, measured, run
from backoffice.bench.sync_peers import SPREADSHEET, SYSTEM, sync_peers

REGION = "bench"
PACED: dict[str, float] = {"fhir": 10, "fhir_entries": 300}
UNPACED: dict[str, float] = {"fhir": 2_000, "fhir_entries": 100_000}
LOOP = str(ROOT / "backoffice" / "bench" / "sync_loop.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """`report` is what --json printed, `usage` the process's; fhir and sheet what the servers say, after the end."""

    rows: int
    report: dict[str, Any]
    usage: Usage
    fhir: dict[str, Any]
    sheet: dict[str, Any]

    @property
    def seconds(self) -> float:
        """Seconds worked: the start of the process does not count."""
        return float(self.report["seconds"])

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds

    def per_thousand(self, peer: dict[str, Any]) -> float:
        """Requests for each thousand rows, as the server counts them."""
        return 1000 * int(peer["requests"]) / self.rows


def synced(
    folder: Path, database: Database, *, rows: int, latency_ms: float, pace: dict[str, float], confined: bool = False
) -> Synced:
    """Sync all rows and wait for the end."""
    home = Path(mkdtemp(prefix="home-", dir=folder))
    with database.fresh() as url, sync_peers(home, rows=rows, latency_ms=latency_ms) as peers:
        env = {**environment(home, url), "SHEETS_URL": peers.sheets_url}
        region = {
            "name": REGION,
            "time_zone": "Asia/Jakarta",
            "country": "ID",
            "pace": pace,
            "credential_file": str(peers.key_file),
            "env_vars": {
                "FHIR_SERVER_URL": peers.fhir_url,
                "FHIR_API_TOKEN": peers.token,
                "FHIR_IDENTIFIER_SYSTEM": SYSTEM,
                "SPREADSHEET_ID": SPREADSHEET,
            },
        }
        run(*MANAGE, "load_region", "-", env=env, text=json.dumps(region))
        command = (*MANAGE, "sync_phones", "--region", REGION, "--wait", "--json")
        usage = measured(*command, env=env, confined=confined)
        fhir, sheet = peers.counts()
    shutil.rmtree(home)
    return Synced(rows=rows, report=json.loads(usage.stdout), usage=usage, fhir=fhir, sheet=sheet)


@dataclass(frozen=True, kw_only=True, slots=True)
class Looped:
    """What the row-by-row loop made of its sample. `seconds`: worked, without the start of its process."""

    rows: int
    seconds: float
    updated: int

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def looped(folder: Path, *, rows: int, latency_ms: float) -> Looped:
    """The loop over the first `rows` rows, at the same pace, without a quota of the sheet, which would be its end."""
    home = Path(mkdtemp(prefix="home-", dir=folder))
    with sync_peers(home, rows=rows, latency_ms=latency_ms, quota=0) as peers:
        given = {
            "fhir": peers.fhir_url, "token": peers.token, "sheets": peers.sheets_url, "key_file": str(peers.key_file),
            "spreadsheet": SPREADSHEET, "per_second": PACED["fhir"],
        }  # fmt: skip
        said = json.loads(run(MANAGE[0], LOOP, env=environment(home), text=json.dumps(given)))
    shutil.rmtree(home)
    return Looped(rows=said["rows"], seconds=said["seconds"], updated=said["updated"])
