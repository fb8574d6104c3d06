"""Sends an account's messages on and tells its webhooks of it, one after the other, in a thread of its own."""

import base64
import hashlib
import hmac
import queue
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx2

WEBHOOK_SECONDS: Final = 15.0  # after which Twilio gives a webhook up


def signature_of(url: str, form: Mapping[str, str], token: str) -> str:
    """X-Twilio-Signature ("Security: Validating Requests"): of the whole address, then each field and its value."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


class Courier:
    """Does tasks in their order; `posted` says what became of each webhook. A webhook is tried once, as there."""

    def __init__(self, token: str) -> None:
        self.posted: list[dict[str, Any]] = []
        self._token = token
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._open, self._closed = threading.Event(), threading.Event()
        self._open.set()
        self._thread: threading.Thread | None = None
        self._http: httpx2.Client | None = None

    def do(self, task: Callable[[], None]) -> None:
        """Let the thread do it, which starts with the first task."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="sandbox-twilio", daemon=True)
            self._thread.start()
        self._tasks.put(task)

    def hold(self, wanted: bool) -> None:
        """Leave everything in the queue, or go on."""
        (self._open.clear if wanted else self._open.set)()

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the end."""
        self._closed.wait(seconds)

    def post(self, url: str, form: Mapping[str, str]) -> None:
        """POST a signed form."""
        import httpx2  # which the other peers' commands, that import this one, start without

        headers = {"X-Twilio-Signature": signature_of(url, form, self._token), "User-Agent": "TwilioProxy/1.1"}
        if self._http is None:
            self._http = httpx2.Client(timeout=WEBHOOK_SECONDS, trust_env=False)
        try:
            answer = self._http.post(url, data=dict(form), headers=headers)
            outcome = str(answer.status_code)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            outcome = type(error).__name__
        self.posted.append({"url": url, "outcome": outcome, **form})

    def close(self) -> None:
        """End the thread; what waits is not done."""
        self._closed.set()
        self._open.set()
        if self._thread is not None:
            self._tasks.put(None)
            self._thread.join(WEBHOOK_SECONDS + 1)
            self._thread = None
        if self._http is not None:
            self._http.close()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._open.wait()
            if self._closed.is_set():
                return
            task()
