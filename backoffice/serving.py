"""One machine's service: the web server and the workers, child processes of one command that ends when either ends."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

from django.conf import settings
from django.core.management.base import CommandError

READY_SECONDS = 60.0
# A worker may be in the midst of a chunk of remote calls, each with a time-out of its own.
STOP_SECONDS = 60.0
KILL_SECONDS = 5.0
WEB_PROCESSES = 2
WEB_THREADS = 4
# What each web server is started with, here and by backoffice/deploy.
GUNICORN = (
    "gunicorn", "backoffice.wsgi:application", "--worker-class", "backoffice.web_worker.Worker",
    "--threads", str(WEB_THREADS), "--no-control-socket", "--log-level", "warning",
)  # fmt: skip


def listen(host: str, port: int) -> socket.socket:
    """A bound socket for the web server, so that whoever gets this far has the port; CommandError, status 2, if not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OverflowError:
        raise CommandError(f"{port} is not a port (0 to 65535).", returncode=2) from None
    except OSError as error:
        # Python appends the address to the system's words; the sentence has it already.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise CommandError(
            f"Cannot listen on {host} port {port}: {reason}. Stop what uses it, or choose another with --port.",
            returncode=2,
        ) from None


class Service:
    """Child processes that start and stop together."""

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._asked = threading.Event()

    def start(
        self,
        title: str,
        arguments: Sequence[str],
        *,
        keep: Sequence[int] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start `python ARGUMENTS` in a session of its own: Ctrl-C is for this process, which passes it on."""
        self._children[title] = subprocess.Popen(  # noqa: S603 (our own programs)
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, **(variables or {})},
            start_new_session=True,
            pass_fds=keep,
            preexec_fn=_end_with_the_parent,  # noqa: PLW1509 (no thread runs yet that could hold a lock)
        )

    def stop_on_signals(self) -> None:
        """Take Ctrl-C, SIGTERM and a closed terminal as a wish to stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._asked.set())

    def wait_until_answers(self, host: str, port: int) -> bool:
        """Whether the web server answers before it is to stop, a child has ended, or a minute is over."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._asked.is_set() and not self.ended() and time.monotonic() < deadline:
            if _answers(host, port):
                return True
            self._asked.wait(0.1)
        return False

    def wait(self) -> None:
        """Return when a signal asks to stop or a child has ended."""
        while not self._asked.wait(0.5) and not self.ended():
            pass

    def ended(self) -> str:
        """What ended without being asked to, as a sentence; empty when nothing did."""
        for title, child in self._children.items():
            if child.poll() is not None and not self._asked.is_set():
                return f"The {title} ended by itself (status {child.returncode}); its last messages are above."
        return ""

    def stop(self) -> None:
        """Stop all children: kindly, at once on a second signal or after a minute, by force in the end."""
        for seconds in (STOP_SECONDS, KILL_SECONDS):
            self._asked.clear()
            self._signal(signal.SIGTERM)
            self._wait_for_children(seconds)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children.values():
            with suppress(ProcessLookupError):
                if child.poll() is None and number != signal.SIGKILL:
                    child.send_signal(number)  # it passes the signal on as it sees fit
                else:
                    os.killpg(child.pid, number)  # what is left of its group: a killed pool's workers

    def _wait_for_children(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while any(_group_lives(child) for child in self._children.values()):
            if self._asked.wait(0.05) or time.monotonic() > deadline:
                return


def start_web(service: Service, listener: socket.socket) -> None:
    """Start gunicorn on the bound socket."""
    fd = listener.fileno()
    service.start("web server", web_arguments(fd), keep=[fd])


def web_arguments(fd: int, processes: int = WEB_PROCESSES) -> list[str]:
    """What Python is given to serve on the bound socket `fd`."""
    options = ["--bind", f"fd://{fd}", "--workers", str(processes), "--graceful-timeout", "10"]
    return ["-m", *GUNICORN, *options]


def start_demo_hospital(service: Service) -> None:
    """Serve the last demo's hospital again, with what was written to it; nothing where there is none or it runs."""
    folder = settings.NIGHTWARD_HOME / "demo"
    if not (folder / "port").exists():
        return
    port = (folder / "port").read_text()
    try:
        listen("127.0.0.1", int(port)).close()
    except CommandError:
        return
    where = ["--data", str(folder / "hospital"), "--state", str(folder / "state"), "--port", port]
    token = {"NIGHTWARD_SANDBOX_TOKEN": (folder / "token").read_text()}
    service.start("demo's hospital", ["manage.py", "sandbox", "hospital", *where], variables=token)


def sign_in_line(*, terminal: bool) -> str:
    """How to sign in, as the demo wrote it down; the password on a terminal only, for other output is kept."""
    path = settings.NIGHTWARD_HOME / "sign-in"
    if not path.exists():
        return "No sign-in was made yet: ./bin/demo makes one, `manage.py createsuperuser` another."
    user_name, password = path.read_text().split()
    return f"Sign in as {user_name} with the password {password}" if terminal else f"The sign-in is in {path}"


_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _end_with_the_parent() -> None:
    """In the child: SIGTERM when the parent dies, also by SIGKILL; else the port stays taken. Linux alone has it."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _group_lives(child: subprocess.Popen[bytes]) -> bool:
    child.poll()
    try:
        os.killpg(child.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _answers(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True
