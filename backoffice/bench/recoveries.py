"""One measured recovery: a fresh process on a fresh home and database, against a hospital nobody has written to."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from backoffice.bench.databases import Database
from backoffice.bench.hospital import HospitalData, ServedHospital, served
from backoffice.bench.processes import MANAGE, Usage, environment, measured, run
from backoffice.bench.tap import Heard, tapped

REGION = "bench"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """`report` is what --json printed, `hospital` what the hospital says of itself, both after the end of the run."""

    report: dict[str, Any]
    usage: Usage
    hospital: dict[str, Any]

    @property
    def appointments(self) -> int:
        return int(self.report["read"])

    @property
    def seconds(self) -> float:
        """Seconds worked: the start of the process does not count."""
        return float(self.report["seconds"])

    @property
    def rate(self) -> float:
        """Appointments a second."""
        return self.appointments / self.seconds

    @property
    def reasked(self) -> int:
        """Lookups that were asked again since their answer had been evicted."""
        return sum(figures["reasked"] for figures in self.report["cache"].values())


def recover(
    folder: Path,
    database: Database,
    data: HospitalData,
    *,
    latency_ms: float,
    concurrency: int,
    confined: bool = False,
) -> Recovery:
    """Recover all of `data` and wait for the end. `confined`: within what a region has, as measured() says."""
    home = _new_home(folder)
    with database.fresh() as url, served(data, home / "sandbox-home", latency_ms=latency_ms) as hospital:
        recovery = _recover(home, url, data, hospital, hospital.url, concurrency, confined=confined)
    shutil.rmtree(home)
    return recovery


def overheard(folder: Path, database: Database, data: HospitalData, *, concurrency: int) -> tuple[Recovery, Heard]:
    """The same with somebody listening in; its times are worth nothing."""
    home = _new_home(folder)
    with (
        database.fresh() as url,
        served(data, home / "sandbox-home", latency_ms=0) as hospital,
        tapped(hospital.url) as (address, heard),
    ):
        recovery = _recover(home, url, data, hospital, address, concurrency)
    shutil.rmtree(home)
    return recovery, heard


def _recover(
    home: Path,
    database_url: str,
    data: HospitalData,
    hospital: ServedHospital,
    address: str,
    concurrency: int,
    *,
    confined: bool = False,
) -> Recovery:
    env = environment(home, database_url)
    region = {
        "name": REGION,
        "time_zone": "America/Chicago",
        "concurrency_per_run": concurrency,
        "env_vars": {"HOSPITAL_GRAPHQL_URL": address, "HOSPITAL_API_TOKEN": hospital.token},
    }
    run(*MANAGE, "load_region", "-", env=env, text=json.dumps(region))
    dates = ("--from", str(data.begins), "--to", str(data.ends))
    command = (*MANAGE, "recover_services", "--region", REGION, *dates, "--wait", "--json")
    usage = measured(*command, env=env, confined=confined)
    return Recovery(
        report=json.loads(usage.stdout), usage=usage, hospital=hospital.state("keys_received", "sessions_written")
    )


def _new_home(folder: Path) -> Path:
    return Path(mkdtemp(prefix="home-", dir=folder))
