"""An upgrade in two phases, and back, rehearsed on this machine: old and new code side by side on one database."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from backoffice.bench.caller import Call, Caller
from backoffice.bench.checkout import check_out, interpreter_of
from backoffice.bench.load import found_in
from backoffice.bench.processes import ROOT, BenchFailed, environment
from backoffice.bench.standing import Ground, Standing, stop_queue
from backoffice.bench.surgery import Surgery, open_surgery, prepare, small_night
from backoffice.bench.visits import Visits

LINES = 200
RUN_DATES = ("2024-01-15", "2024-01-16", "2024-01-17", "2024-01-18")
Act = Callable[[Visits, Caller], Awaitable[None]]
CALLERS = 2
BOOKINGS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A step that was taken. `fault`: why it failed; empty where it did not."""

    title: str
    seconds: float
    fault: str


class Rehearsal:
    """One rehearsal in a folder of its own, on a database without a table. Each public method is a step."""

    def __init__(self, folder: Path, database_url: str, commit: str, *, new: Path = ROOT) -> None:
        self._folder, self._commit, self._new_code = folder, commit, new
        self._env = environment(folder / "home", database_url)
        self._stack = ExitStack()
        self._old: Ground
        self._new: Ground
        self._sides: dict[str, tuple[list[Standing], str]] = {}
        self._surgery: Surgery
        self._nights = iter(RUN_DATES)
        self._told: list[int] = []
        self._lost = 0
        self._names = 0

    def steps(self) -> list[tuple[str, Callable[[], object]]]:
        """In their order, each with what it is to show."""
        return [
            (f"check out the old code, {self._commit[:12]}", self._check_out),
            ("old code migrates an empty database", lambda: self._migrate(self._old)),
            ("old web and worker start", lambda: self._start("old", self._old)),
            ("a clinic is made, and a night runs on old code", self._make_clinic),
            ("old code books", lambda: self._books("old")),
            ("new code migrates, while old code is called", self._migrate_under_load),
            ("old code books on the new schema", lambda: self._books("old")),
            ("old code runs a night on the new schema", lambda: self._night(self._old)),
            ("new web and worker start beside the old", lambda: self._start("new", self._new)),
            ("each reads and changes what the other booked", self._side_by_side),
            ("old web and worker stop", lambda: self._stop("old")),
            ("new code books and runs a night alone", lambda: self._alone("new", self._new)),
            ("roll back: old web and worker start on the new schema", lambda: self._start("old", self._old)),
            ("new web and worker stop", lambda: self._stop("new")),
            ("old code books and runs a night alone again", lambda: self._alone("old", self._old)),
            ("no visits overlap, and each that was told of is there once", self._count),
        ]

    def close(self) -> None:
        """Stop whatever still runs."""
        self._stack.close()

    def _check_out(self) -> None:
        code = self._folder / "old"
        check_out(self._commit, code)
        logs = self._folder / "logs"
        self._old = Ground(logs, self._env, code=code, python=interpreter_of(code))
        self._new = Ground(logs, self._env, code=self._new_code)
        self._stack.callback(stop_queue, self._new)  # after the workers, which would start it again
        for ground in (self._old, self._new):
            self._stack.enter_context(ground)

    def _migrate(self, ground: Ground) -> None:
        ground.run("migrate", "--no-input", "--verbosity", "0")

    def _start(self, side: str, ground: Ground) -> None:
        web, address = ground.web(f"{side} web server", 2)
        self._sides[side] = ([web, ground.manage(f"{side} worker", "work")], address)

    def _stop(self, side: str) -> None:
        for standing in self._sides.pop(side)[0]:
            standing.must_live()
            standing.stop()

    def _make_clinic(self) -> None:
        token = prepare(self._old)
        watched = self._night(self._old)
        address = self._sides["old"][1]
        self._surgery = open_surgery(address, token, practitioners=4, patients=60, days=14, run=watched)

    def _night(self, ground: Ground) -> int:
        run = small_night(ground, self._folder, lines=LINES, run_date=next(self._nights))
        self._all_live()
        return run

    def _alone(self, side: str, ground: Ground) -> None:
        self._books(side)
        self._night(ground)

    def _books(self, side: str) -> None:
        """Book some visits, look at them, and at the run and the nights; whatever is no answer is a fault."""

        async def act(visits: Visits, caller: Caller) -> None:
            for _ in range(BOOKINGS):
                if not await visits.booking():
                    raise BenchFailed(f"The {side} code did not book: {_faults(caller.calls) or 'nothing was free'}")
            for _ in range(3 * BOOKINGS):
                await visits.one()

        calls = self._called(side, act)
        if fault := _faults(calls):
            raise BenchFailed(f"The {side} code answered {fault}")
        self._all_live()

    def _migrate_under_load(self) -> None:
        with self._load("old") as calls:
            self._migrate(self._new)
        if not any(call.kind in ("book", "confirm") and call.status == 201 for call in calls):
            raise BenchFailed("Nobody booked while the new code migrated.")
        if fault := _faults(calls):
            raise BenchFailed(f"While the new code migrated, the old answered {fault}")
        self._all_live()

    def _side_by_side(self) -> None:
        """What is booked on one side is read and cancelled on the other, both ways."""
        for mine, other in (("old", "new"), ("new", "old")):
            self._books(mine)
            path = f"/appointments/{self._told[-1]}/"

            async def change(_: Visits, caller: Caller, path: str = path) -> None:
                await caller.ask("read", "GET", path)
                await caller.ask("cancel", "POST", f"{path}cancel/", json={"reason": "recovered"})

            # 409: whoever booked it has cancelled it already.
            calls = self._called(other, change)
            if any(call.status not in (200, 409) for call in calls):
                raise BenchFailed(f"The {other} code answered {_faults(calls)} of what the {mine} code had booked")

    def _count(self) -> None:
        if faults := found_in(self._new, self._told).faults(self._lost):
            raise BenchFailed("; ".join(faults))

    def _called(self, side: str, act: Act) -> list[Call]:
        """What was asked of one side; what it booked is kept."""

        async def all_of_it() -> tuple[Visits, Caller]:
            visits, caller = self._visits(side)
            async with caller:
                await act(visits, caller)
            return visits, caller

        visits, caller = asyncio.run(all_of_it())
        return self._kept(visits, caller)

    @contextmanager
    def _load(self, side: str) -> Iterator[list[Call]]:
        """Callers of one side for the length of the block; its calls are whole after it."""
        over, made, calls = threading.Event(), list[tuple[Visits, Caller]](), list[Call]()

        async def one(visits: Visits) -> None:
            while not over.is_set():
                await visits.booking()
                await visits.one()

        async def all_of_it() -> None:
            visits, caller = self._visits(side)
            made.append((visits, caller))
            async with caller:
                await asyncio.gather(*(one(visits) for _ in range(CALLERS)))

        thread = threading.Thread(target=asyncio.run, args=(all_of_it(),))
        thread.start()
        try:
            yield calls
        finally:
            over.set()
            thread.join()
            calls += self._kept(*made[0])

    def _visits(self, side: str) -> tuple[Visits, Caller]:
        self._names += 1
        caller = Caller(self._sides[side][1], self._surgery.headers, connections=2 * CALLERS)
        return Visits(caller, self._surgery, seed=self._names, prefix=f"R{self._names}"), caller

    def _kept(self, visits: Visits, caller: Caller) -> list[Call]:
        self._told += visits.booked
        self._lost += sum(call.status == 0 or call.status >= 500 for call in caller.calls)
        if visits.wrong:
            raise BenchFailed(visits.wrong[0])
        return caller.calls

    def _all_live(self) -> None:
        for standings, _ in self._sides.values():
            for standing in standings:
                standing.must_live()


def rehearse(rehearsal: Rehearsal) -> Iterator[Done]:
    """Each step as it is done; the first that fails is the last, since the others stand on it."""
    try:
        for title, act in rehearsal.steps():
            began = time.perf_counter()
            fault = ""
            try:
                act()
            except BenchFailed as error:
                fault = str(error)
            yield Done(title=title, seconds=time.perf_counter() - began, fault=fault)
            if fault:
                return
    finally:
        rehearsal.close()


def _faults(calls: list[Call]) -> str:
    """The first call that had no answer, or one that is an error, in words."""
    return next((f"{call.fault} ({call.kind})" for call in calls if call.fault), "")
