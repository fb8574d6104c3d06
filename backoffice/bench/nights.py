"""Nights of claims to be measured: staged once in each database, worked by fresh processes on copies of it."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from backoffice.bench.databases import Database
from backoffice.bench.processes import LAUNCH, MANAGE, ROOT, BenchFailed, environment, measured, run

REGION, RUN_DATE = "bench", "2024-01-15"
CHILD = (sys.executable, "-m", "backoffice.bench.night_child")
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Night:
    """`seconds` from the run's start to its end, `steps` likewise; `peak_mib` of whoever worked it, `peaks` by step."""

    read: int
    paid: int
    outcomes: dict[str, int]
    seconds: float
    steps: dict[str, float]
    peak_mib: float
    peaks: dict[str, int]

    @property
    def peak_in(self) -> str:
        """The step that had the most memory."""
        return next((step for step, peak in self.peaks.items() if peak == max(self.peaks.values())), "")

    @property
    def rate(self) -> float:
        """Lines a second."""
        return self.read / self.seconds


@dataclass(kw_only=True, slots=True)
class Ground:
    """A database with staged claims, to which it can be put back. `made`, `loaded`: seconds that these took."""

    database: Database
    url: str
    kept: str
    home: Path
    lines: int
    made: float
    loaded: float

    def night(self, **spec: Any) -> Night:
        """On the staged claims, in one process."""
        self.begin()
        usage = measured(*CHILD, json.dumps({"do": "night", **spec}), env=self.env())
        return _night(json.loads(usage.stdout), usage.peak_mib)

    def restarted(self, steps: Sequence[str], **spec: Any) -> dict[str, float]:
        """Step → seconds from its restart's first statement to its end: one night, which is killed by kill -9 at nine
        tenths of each of the steps, in their order, and completes."""
        self.begin()
        self._child({"do": "night", "die": steps[0], **spec}, killed=True)
        seconds = {}
        for step, following in zip_longest(steps, steps[1:]):
            said = self._child({"do": "restart", "die": following}, killed=bool(following))
            seconds[step] = float(said["seconds"])
        if not said["complete"]:
            raise BenchFailed("The night did not complete after it was killed.")
        return seconds

    def _child(self, spec: Json, *, killed: bool) -> Json:
        """What a child that has to end well, or to be killed in the step where it is to die, has said last."""
        arguments = (*CHILD, json.dumps(spec))
        ended = subprocess.run(arguments, env=self.env(), cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        if ended.returncode != (-signal.SIGKILL if killed else 0):
            raise BenchFailed(f"A night that was given {spec} ended with status {ended.returncode}.")
        said: Json = json.loads((ended.stdout.splitlines() or ["{}"])[-1])
        return said

    def undone(self) -> tuple[float, float]:
        """Seconds and peak MiB of undoing the last night, which was complete."""
        usage = measured(*CHILD, json.dumps({"do": "undo"}), env=self.env())
        return float(json.loads(usage.stdout)["seconds"]), usage.peak_mib

    def worked(self, workers: int, frequency: int) -> Night:
        """By real workers, one partition for each; the peak is that of the largest of their processes."""
        self.begin()
        run(*MANAGE, "shell", "-c", _FREQUENCY.format(frequency), env=self.env())
        report = self.home / "usage.json"
        command = (*LAUNCH, str(report), *MANAGE, "work", "--workers", str(workers))
        with subprocess.Popen(command, env=self.env(), cwd=ROOT, stderr=subprocess.DEVNULL) as working:  # noqa: S603
            try:
                time.sleep(5)  # until they listen: what waits for no worker is worked by the command itself
                night = ("run_pipeline", "--region", REGION, "--run-date", RUN_DATE, "--partitions", str(workers))
                run(*MANAGE, *night, "--wait", env=self.env())
            finally:
                working.terminate()
        said = json.loads(run(*CHILD, json.dumps({"do": "times"}), env=self.env()))
        return _night(said, json.loads(report.read_text())["peak_bytes"] / 2**20)

    def appended(self, every: int) -> float:
        """Seconds that bare appends of the last night's priced and adjudicated rows take."""
        program = (sys.executable, "-m", "backoffice.bench.copying", str(every))
        return float(json.loads(run(*program, env=self.env()))["seconds"])

    def looped(self) -> Json:
        """The Django loop over the staged claims."""
        self.begin()
        said: Json = json.loads(run(sys.executable, "-m", "backoffice.bench.django_loop", env=self.env()))
        return said

    def begin(self) -> None:
        self.database.put_back(self.url, self.kept)
        shutil.rmtree(self.home / "nights", ignore_errors=True)

    def env(self) -> dict[str, str]:
        return environment(self.home, self.url)


_FREQUENCY = "from claims.models import StepSetting; StepSetting.objects.update(commit_frequency={})"


def _night(said: Json, peak_mib: float) -> Night:
    if said["status"] != "complete":
        raise BenchFailed(f"A night did not complete: {said['detail']}")
    figures = {name: said[name] for name in ("read", "paid", "outcomes", "seconds", "steps")}
    return Night(**figures, peak_mib=peak_mib, peaks=said.get("peaks", {}))


@contextmanager
def staged(folder: Path, database: Database, lines: int) -> Iterator[Ground]:
    """So many generated lines, the same each time, loaded into a database of their own."""
    claims, home = folder / f"claims-{lines}", folder / f"nights-{database.name}-{lines}"
    made = 0.0
    if not claims.exists():
        began = time.perf_counter()
        options = ("--lines", str(lines), "--seed", "1", "--run-date", RUN_DATE, "--output", str(claims))
        run(*MANAGE, "make_claims", *options, env=environment(folder / "home"))
        made = time.perf_counter() - began
    with database.fresh() as url:
        env = environment(home, url)
        run(*MANAGE, "load_region", "-", env=env, text=json.dumps({"name": REGION, "time_zone": "America/Chicago"}))
        began = time.perf_counter()
        run(*MANAGE, "load_claims", str(claims), "--region", REGION, env=env)
        loaded = time.perf_counter() - began
        kept = database.keep(url)
        yield Ground(database=database, url=url, kept=kept, home=home, lines=lines, made=made, loaded=loaded)
    shutil.rmtree(home, ignore_errors=True)
