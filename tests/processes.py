"""Real processes of the product, for tests: started fresh, their output kept, none left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from redis import Redis
from redis.exceptions import RedisError

ROOT = Path(__file__).resolve().parents[1]


class Running:
    """One process, the leader of a group of its own."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self._output: IO[bytes] = TemporaryFile()  # noqa: SIM115 (closed by stop)
        self.process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        """What it has written so far, on both streams."""
        return os.pread(self._output.fileno(), os.fstat(self._output.fileno()).st_size, 0).decode(errors="replace")

    def says(self, text: str, *, within: float = 60.0) -> str:
        """Wait until the output has the text; fail with the output when it does not come or the process ends."""
        until(lambda: text in self.output or self.process.poll() is not None, within=within, what=f"{text!r}")
        assert text in self.output, self.output
        return self.output

    def signal(self, number: signal.Signals) -> None:
        """Send the signal to this process alone."""
        self.process.send_signal(number)

    def ends(self, *, within: float = 60.0) -> int:
        """Wait for the end; the exit status."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within} s:\n{self.output}") from None

    def stop(self) -> None:
        """End the process and all that came of it, by force where it must be."""
        offspring = descendants_of(self.pid)
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        for pid in [*offspring, self.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._output.close()


class Processes:
    """The processes that one test has started."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self._running: list[Running] = []

    def start(self, *arguments: str, **environment: str) -> Running:
        """Start a program with variables beside the test's own."""
        running = Running(list(arguments), {**self.environment, **environment})
        self._running.append(running)
        return running

    def manage(self, *arguments: str, **environment: str) -> Running:
        """Start `manage.py` with these arguments."""
        return self.start(sys.executable, str(ROOT / "manage.py"), *arguments, **environment)

    def stop_all(self) -> None:
        for running in reversed(self._running):
            running.stop()


def until(true: Callable[[], object], *, within: float = 60.0, what: str = "what the test waits for") -> None:
    """Wait until `true()` is; AssertionError when it is not in time."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come within {within} s"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie, which nobody has asked for its status, does not."""
    return _states().get(pid, ("Z", 0))[0] != "Z"


def descendants_of(pid: int) -> list[int]:
    """Children, their children, and so on, as they are now."""
    processes = _states()
    found = [pid]
    for parent in found:
        found.extend(child for child, (_, its_parent) in processes.items() if its_parent == parent)
    return found[1:]


def _states() -> dict[int, tuple[str, int]]:
    """Process id → its state's letter and its parent. From /proc, as a minimal machine has no ps."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            number, _, rest = stat.read_text(errors="replace").partition(" ")
            state, parent = rest.rpartition(")")[2].split()[:2]  # the name between may hold anything
            found[int(number)] = (state, int(parent))
    return found


def workers_of(queue_url: str) -> list[int]:
    """Process ids of the workers that are registered at a queue; none where it does not answer."""
    try:
        with Redis.from_url(queue_url) as client:
            return [int(client.hget(key, "pid") or 0) for key in client.smembers("rq:workers")]
    except RedisError:
        return []
