"""Processes of the product that stand for a while: web, worker, publisher, consumer; of this checkout or another."""

import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from backoffice.bench.processes import ROOT, BenchFailed
from backoffice.serving import listen, web_arguments

READY_SECONDS = 120.0
STOP_SECONDS = 60.0
WEB: Mapping[str, str] = {"INSECURE_HTTP": "1", "API_RATE": "100000000/min"}


class Standing:
    """One process, the leader of a session of its own; what it says goes to `log`."""

    def __init__(self, title: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.title, self._process, self._log = title, process, log

    @property
    def pid(self) -> int:
        return self._process.pid

    def must_live(self) -> None:
        """BenchFailed where it has ended."""
        if self._process.poll() is not None:
            said = self._log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise BenchFailed(f"The {self.title} ended by itself (status {self._process.returncode}): {said[-1]}")

    def stop(self) -> None:
        """Ask it to end, and wait; by force after a minute. Once more does nothing."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class Ground:
    """Where processes stand: `code` is the checkout that they run, `python` the interpreter with its packages."""

    def __init__(self, logs: Path, env: Mapping[str, str], *, code: Path = ROOT, python: str = sys.executable) -> None:
        self.env, self.code, self.python = {**env, **WEB}, code, python
        self._logs, self._stack = logs, ExitStack()
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Ground":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def manage(self, title: str, *arguments: str) -> Standing:
        """A management command that goes on until it is stopped."""
        return self._start(title, "manage.py", *arguments)

    def web(self, title: str, processes: int) -> tuple[Standing, str]:
        """A web server of so many processes, once it answers, and its address."""
        with listen("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            web = self._start(title, *web_arguments(listener.fileno(), processes), keep=listener.fileno())
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(port):
            web.must_live()
            if time.monotonic() > deadline:
                raise BenchFailed(f"The {title} did not answer within {READY_SECONDS:.0f} s.")
            time.sleep(0.1)
        return web, f"http://127.0.0.1:{port}"

    def run(self, *arguments: str, text: str = "") -> str:
        """Standard output of a management command that ended well; BenchFailed otherwise."""
        program = (self.python, "manage.py", *arguments)
        ended = subprocess.run(  # noqa: S603 (our own command)
            program, env=self.env, input=text, capture_output=True, text=True, check=False, cwd=self.code
        )
        if ended.returncode:
            said = (ended.stderr or ended.stdout).strip().splitlines() or ["it said nothing"]
            raise BenchFailed(f"{arguments[0]} ended with status {ended.returncode}: {said[-1]}")
        return ended.stdout

    def _start(self, title: str, *arguments: str, keep: int | None = None) -> Standing:
        log = self._logs / f"{title.replace(' ', '-')}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 (our own programs)
                [self.python, *arguments], cwd=self.code, env=self.env, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True, pass_fds=() if keep is None else (keep,),
            )  # fmt: skip
        standing = Standing(title, process, log)
        self._stack.callback(standing.stop)
        return standing


@contextmanager
def bench_ground(home: Path, env: Mapping[str, str]) -> Iterator[Ground]:
    """Processes of this checkout on a home of their own; all are stopped at the end, and then the queue's server: a
    worker that misses it would start it again."""
    ground = Ground(home / "logs", env)
    try:
        with ground:
            yield ground
    finally:
        stop_queue(ground)


def stop_queue(ground: Ground) -> None:
    """End the bundled queue server of the ground's home, if it runs."""
    with suppress(BenchFailed):
        ground.run("shell", "-c", "from backoffice.embedded import stop_queue_server as stop; stop()")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
