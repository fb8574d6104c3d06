"""The lab over several databases at once, whose report is on disk as far as it has come: two hours are not lost to a
Ctrl-C, and the same command goes on where it was."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from backoffice.bench.machine import commit_of, taken_on
from backoffice.bench.processes import ROOT
from backoffice.lab import report
from backoffice.lab.night import Size, laboratory
from backoffice.lab.places import Place
from backoffice.lab.report import Json
from backoffice.lab.shape import make

WRITTEN_EVERY = 60.0


@dataclass(kw_only=True)
class Whole:
    """`names`: of cases, all where empty. `stem`: of the report. `say` tells whoever waits what is being done."""

    places: Sequence[Place]
    size: Size
    seed: int
    folder: Path
    stem: Path
    command: str
    say: Callable[[str], object]
    names: Collection[str] = ()
    nights: list[Json] = field(default_factory=list)
    cases: list[Json] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    commit: str = field(init=False)
    written: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.commit = commit_of(ROOT, *self._files())

    def _files(self) -> list[Path]:
        """The report's own, which are no change of what is tested."""
        return [self.stem.with_name(f"{self.stem.name}.{kind}") for kind in ("json", "html")]

    def run(self, at_once: int) -> Json:
        """The report, written."""
        earlier = self._earlier()
        for lines in {self.size.lines, self.size.other_lines, self.size.second_lines, self.size.small_lines}:
            make(self.folder / f"claims-{lines}", lines, self.seed)
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda place: self._run(place, earlier), self.places))
        return self._write()

    def _run(self, place: Place, earlier: dict[tuple[str, str], Json]) -> None:
        with laboratory(place, self.size, self.seed, self.folder, self.say) as lab:
            for case in lab.cases(self.names):
                row = earlier.get((place.name, case.name)) or report.case_row(lab.run(case))
                with self.lock:
                    self.cases.append(row)
                    self._add_nights(place.name, list(lab.nights.values()))
                    if time.monotonic() - self.written > WRITTEN_EVERY:
                        self._write()
        with self.lock:
            self.finished.add(place.name)

    def _add_nights(self, place: str, nights: list[Json]) -> None:
        known = [(row["place"], row["every"]) for row in self.nights]
        self.nights += [report.night_row(place, night) for night in nights if (place, night["every"]) not in known]

    def _earlier(self) -> dict[tuple[str, str], Json]:
        """What an unfinished report of the same files, claims and sizes has already, where it passed."""
        path = self.stem.with_name(f"{self.stem.name}.json")
        found = report.read(path) if path.exists() else {}
        same = {"commit": self.commit, "seed": self.seed, "sizes": asdict(self.size), "command": self.command}
        if not found.get("unfinished") or "changes" in self.commit or any(found[n] != same[n] for n in same):
            return {}
        self.nights = list(found["nights"])
        return {(case["place"], case["name"]): case for case in found["cases"] if case["passed"]}

    def _write(self) -> Json:
        self.written = time.monotonic()
        order = [place.name for place in self.places]
        made = report.made(
            taken=taken_on(ROOT, dict.fromkeys(place.main.version for place in self.places), *self._files()),
            commit=self.commit, seed=self.seed, size=self.size, command=self.command,
            nights=sorted(self.nights, key=lambda row: order.index(row["place"])),
            cases=sorted(self.cases, key=lambda row: order.index(row["place"])),
            unfinished=[name for name in order if name not in self.finished],
        )  # fmt: skip
        report.write(made, self.stem)
        return made
