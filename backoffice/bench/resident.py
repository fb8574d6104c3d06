"""How much memory processes have over time, and whether it grows. From /proc: Linux alone."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, mean

MOST_GROWTH = 0.05
QUEUE, SERVERS = "queue's server", ("valkey-server", "redis-server")
RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB", re.MULTILINE)
PARENT = re.compile(r"^PPid:\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """The memory of one process: (seconds, MiB) from the end of the warm-up on, in order, at least two."""

    title: str
    samples: Sequence[tuple[float, float]]

    @property
    def start(self) -> float:
        return self.samples[0][1]

    @property
    def end(self) -> float:
        return self.samples[-1][1]

    @property
    def peak(self) -> float:
        return max(mib for _, mib in self.samples)

    @property
    def growth(self) -> float:
        """What the straight line through the samples rises over their whole length, as a share of their mean."""
        times, levels = zip(*self.samples, strict=True)
        return float(linear_regression(times, levels).slope * (times[-1] - times[0]) / mean(levels))

    @property
    def flat(self) -> bool:
        """Whether it rises by less than 5 % of the level."""
        return self.growth < MOST_GROWTH


class Watch:
    """Looks at processes and their children that stay; a child that is gone between two looks has no course."""

    def __init__(self, titles: Mapping[int, str]) -> None:
        self._titles = dict(titles)
        self._seen: dict[int, list[tuple[float, float]]] = defaultdict(list)

    def look(self, at: float) -> None:
        """Note the memory of each process now, `at` seconds."""
        for pid in self._now():
            if (mib := resident_mib(pid)) is not None:
                self._seen[pid].append((at, mib))

    def courses(self, since: float) -> list[Course]:
        """Of each process that was there at the first look since then and at the last one."""
        last = max((samples[-1][0] for samples in self._seen.values()), default=0.0)
        kept = {pid: [one for one in samples if one[0] >= since] for pid, samples in self._seen.items()}
        first = min((samples[0][0] for samples in kept.values() if samples), default=0.0)
        whole = {
            pid: samples
            for pid, samples in kept.items()
            if len(samples) > 1 and (samples[0][0], samples[-1][0]) == (first, last)
        }
        return [Course(title=self._titles[pid], samples=samples) for pid, samples in whole.items()]

    def _now(self) -> list[int]:
        """The processes, and their present children under a title with a number; the bundled queue, which is a child of
        whoever needed it first, under its own."""
        children = _children()
        for parent in [pid for pid in self._titles if pid in children]:
            for child in children[parent]:
                known = sum(title.startswith(f"{self._titles[parent]}, child") for title in self._titles.values())
                title = QUEUE if _command(child) in SERVERS else f"{self._titles[parent]}, child {known + 1}"
                self._titles.setdefault(child, title)
        return list(self._titles)


def resident_mib(pid: int) -> float | None:
    """None where the process is gone."""
    try:
        found = RESIDENT.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


def _command(pid: int) -> str:
    """The program's name; empty where the process is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _children() -> dict[int, list[int]]:
    found = defaultdict(list)
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            parent = PARENT.search(status.read_text(errors="replace"))
        except OSError:
            continue
        if parent:
            found[int(parent[1])].append(int(status.parent.name))
    return {parent: sorted(children) for parent, children in found.items()}
