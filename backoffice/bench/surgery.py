"""A clinic to be booked in, made through the API as a clinic's own systems would, and a night to be watched."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from backoffice.bench.processes import BenchFailed
from backoffice.bench.standing import Ground

REGION = "bench"
RUN_DATE = "2024-01-15"
VERBS = ("appointments:read", "appointments:write", "runs:read", "runs:start", "claims:read")
OPERATOR = (
    "from django.contrib.auth.models import Group, User; from regions.models import Region;"
    "user, _ = User.objects.get_or_create(username='bench');"
    "user.groups.set(Group.objects.filter(name='operator')); Region.objects.get(name='bench').staff.add(user)"
)
HOURS = [{"weekday": day, "begins": "08:00", "ends": "18:00"} for day in range(7)]
MINUTES = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Surgery:
    """What was made: ids of the types and patients, days from `first` on, and the run and night to be watched."""

    token: str = field(repr=False)
    types: tuple[int, ...]
    patients: tuple[int, ...]
    first: date
    days: int
    run: int | None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def prepare(ground: Ground, **region: Any) -> str:
    """The region with these settings, and an operator of it; the text of the operator's token."""
    settings = {"name": REGION, "time_zone": "America/Chicago", **region}
    ground.run("load_region", "-", text=json.dumps(settings))
    ground.run("shell", "-c", OPERATOR)
    verbs = (word for verb in VERBS for word in ("--verb", verb))
    return ground.run("create_token", "--user", "bench", "--region", REGION, *verbs).strip()


def open_surgery(address: str, token: str, *, practitioners: int, patients: int, days: int, run: int | None) -> Surgery:
    """So many practitioners and half as many rooms, open every day from 08:00 to 18:00: a consultation takes a
    practitioner, a check a room as well. Patients have no contact, so that nobody is told anything."""
    with httpx2.Client(
        base_url=f"{address}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
    ) as client, ThreadPoolExecutor(4) as pool:  # fmt: skip

        def made(call: tuple[str, dict[str, Any]]) -> int:
            answer = client.post(call[0], json=call[1])
            if answer.status_code not in (200, 201):
                raise BenchFailed(f"{call[0]} answered {answer.status_code}: {answer.text[:200]}")
            return int(answer.json().get("id", 0))

        resources = list(pool.map(made, _resources(practitioners)))
        list(pool.map(made, ((f"/schedules/{one}/replace/", {"hours": HOURS}) for one in resources)))
        types = [made(("/appointment-types/", body)) for body in _types()]
        people = [("/patients/", {"region": REGION, "external_id": f"B-{number}"}) for number in range(patients)]
        ids = tuple(pool.map(made, people))
    first = datetime.now(UTC).date() + timedelta(days=2)
    return Surgery(token=token, types=tuple(types), patients=ids, first=first, days=days, run=run)


def small_night(ground: Ground, folder: Path, *, lines: int, run_date: str = RUN_DATE) -> int:
    """Stage so many claims and run their night to its end, by a worker where there is one; the id of its run."""
    claims = folder / f"claims-{run_date}-{lines}"
    if not claims.exists():
        size = ("--lines", str(lines), "--seed", "1", "--run-date", run_date, "--output", str(claims))
        ground.run("make_claims", *size)
        _rename_claims(claims / "claim_lines.csv", run_date)
    ground.run("load_claims", str(claims), "--region", REGION)
    said = json.loads(ground.run("run_pipeline", "--region", REGION, "--run-date", run_date, "--wait", "--json"))
    if said["status"] != "complete" or not said["read"]:
        raise BenchFailed(f"A small night read {said['read']} lines, and its run is {said['status']}.")
    return int(said["id"])


def _rename_claims(file: Path, run_date: str) -> None:
    """Claims of another night are other claims: C000000001 becomes C150000001 on the 15th."""
    file.write_text(re.sub(r"\bC00", f"C{run_date[-2:]}", file.read_text()))


def _resources(practitioners: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, number in (("practitioner", practitioners), ("room", max(1, practitioners // 2))):
        for each in range(number):
            code = f"{kind}-{each}"
            yield "/resources/", {"region": REGION, "code": code, "kind": kind, "name": code}


def _types() -> Iterator[dict[str, Any]]:
    alike = {"region": REGION, "minutes": MINUTES, "step": 15}
    person, room = {"kind": "practitioner"}, {"kind": "room"}
    yield {**alike, "code": "CONSULTATION", "name": "Consultation", "needs": [person]}
    yield {**alike, "code": "CHECK", "name": "Check", "minutes_after": 10, "needs": [person, room]}
