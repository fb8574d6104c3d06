"""Run the cases: each on a database and in a home of its own, in processes that may be killed."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backoffice.bench.databases import Database
from backoffice.bench.processes import ROOT, environment
from backoffice.lab.cases import HARNESS, OF_DATABASE, OTHERS, Case, boundaries
from claims.pipeline.generate import generate

RUN_DATE = date(2024, 1, 15)
REGION = "lab"
STEPS = ("extract", "validate", "enrich", "price", "adjudicate", "remit")


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the nights are. Checkpoints are an eightieth of a night, so that a case falls between many."""

    lines: int
    boundary_lines: int = 600
    boundary_every: int = 1
    partitions: int = 2


WHOLE = Size(lines=280_000)
FAST = Size(lines=4_000, boundary_every=12)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of a case: `same` when the night came to what the undisturbed one came to."""

    case: Case
    database: str
    same: bool
    how: str
    seconds: float
    before: str
    after: str


class Lab:
    """One database's nights. `say` tells whoever waits what is being done."""

    def __init__(self, database: Database, size: Size, seed: int, folder: Path, say: Callable[[str], object]) -> None:
        self.database, self.size, self.seed, self.folder, self.say = database, size, seed, folder, say

    def run(self, names: Collection[str] = ()) -> Iterator[Found]:
        """Every case, or those of these names."""
        named = (*HARNESS, *OTHERS, *OF_DATABASE[self.database.name])
        yield from self._cases([case for case in named if not names or case.name in names], self.size.lines)
        if names:
            return
        base = self._undisturbed(self.size.boundary_lines, {})
        yield from self._cases(boundaries(base["commits"], self.size.boundary_every), self.size.boundary_lines)

    def _cases(self, cases: Iterable[Case], lines: int) -> Iterator[Found]:
        undisturbed: dict[str, dict[str, Any]] = {}
        for case in cases:
            self.say(f"{self.database.name}: {case.name}, {case.what}")
            key = json.dumps(case.settings, sort_keys=True)
            if key not in undisturbed:
                undisturbed[key] = self._undisturbed(lines, case.settings)
            yield self._case(case, lines, undisturbed[key])

    def _undisturbed(self, lines: int, settings: dict[str, int]) -> dict[str, Any]:
        with self.database.fresh() as url, TemporaryDirectory(dir=self.folder) as home:
            done = self._attempt(url, home, self._spec(lines, settings) | {"count": True})
        if done is None or done["status"] != "complete":
            raise RuntimeError(f"The undisturbed night did not complete: {done}")
        return done

    def _case(self, case: Case, lines: int, undisturbed: dict[str, Any]) -> Found:
        with self.database.fresh() as url, TemporaryDirectory(dir=self.folder) as home:
            spec = self._spec(lines, case.settings)
            first = self._attempt(url, home, spec | {"fault": case.fault})
            how = "killed" if first is None else f"{first['status']}, {first['reason']}"
            done, seconds = first, 0.0
            for more in case.then:
                begun = time.monotonic()
                done = self._attempt(url, home, {**spec, "load": None, **more})
                seconds = time.monotonic() - begun
                if case.says and more is not case.then[-1]:
                    how += f"; then: {done['detail'] if done else 'killed'}"
        broke = first is None or first["status"] != "complete"
        caught = not case.says or case.says in how
        after = (done or {}).get("snapshot") or {}
        return Found(
            case=case, database=self.database.name, how=how, seconds=seconds,
            same=broke and caught and after == undisturbed["snapshot"],
            before=_short(undisturbed["snapshot"]), after=_short(after),
        )  # fmt: skip

    def _spec(self, lines: int, settings: dict[str, int]) -> dict[str, Any]:
        claims = self.folder / f"claims-{lines}"
        if not claims.exists():
            generate(claims, lines=lines, seed=self.seed, run_date=RUN_DATE)
        every = dict.fromkeys(STEPS, max(20, lines // 80)) | {
            step: max(20, frequency * lines // 280_000) for step, frequency in settings.items()
        }
        return {
            "load": str(claims), "region": REGION, "run_date": RUN_DATE.isoformat(), "lines": lines,
            "partitions": self.size.partitions, "frequency": every,
        }  # fmt: skip

    def _attempt(self, url: str, home: str, spec: dict[str, Any]) -> dict[str, Any] | None:
        """What it said; None when it was killed."""
        done = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-m", "backoffice.lab.child", json.dumps(spec)],
            cwd=ROOT, env=environment(Path(home), url), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode == -9:
            return None
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return said


def _short(snapshot: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(snapshot, sort_keys=True).encode()).hexdigest()[:16] if snapshot else "none"
