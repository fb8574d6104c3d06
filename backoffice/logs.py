"""Logs: one line an event on standard error, with the correlation id of the run or request it belongs to.

Patient data never goes in: events carry ids of ours, counts and words.
"""

import logging
import os
import sys
import threading
import traceback
import uuid
from collections import deque
from collections.abc import Callable
from types import TracebackType

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.typing import EventDict

from backoffice.telemetry.timing import route_of
from backoffice.telemetry.tracing import add_trace

CORRELATION_HEADER = "X-Correlation-ID"
HELD_LINES = 200


def place_of_exception(logger: object, method: str, event: EventDict) -> EventDict:
    """Say of an exception its class and the lines that it came through: its message and values may be a patient's."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        event["exception"] = "\n".join([type(error).__name__, *lines])
    return event


def route_of_request(logger: object, method: str, event: EventDict) -> EventDict:
    """Say of a request that Django complains about its route and status: the address and host are a caller's words."""
    record = event.get("_record")
    request = getattr(record, "request", None)
    if record is not None and record.name.startswith("django.") and isinstance(request, HttpRequest):
        status = getattr(record, "status_code", 500)
        event["event"] = "request_failed" if status >= 500 else "request_refused"
        event.update(method=request.method, route=route_of(request), status=status)
    return event


def configure_logging(*, level: str, as_json: bool) -> None:
    """Send structlog's and the standard library's events through one formatter."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace,
        place_of_exception,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler, held = logging.StreamHandler(), LastLines()
    for each, rendered in ((handler, renderer), (held, structlog.processors.JSONRenderer())):
        each.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[*shared, route_of_request],
                processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, rendered],
            )
        )
    root = logging.getLogger()
    root.handlers[:] = [handler, held]
    root.setLevel(level)
    # They write each request's address at INFO: every one of them is one of our own events already, without it.
    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It writes a trace, line by line, for each broken connection, which is an exception of the adapter's as well.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def speak_of_exceptions_by_place() -> None:
    """From now on an exception that nobody takes, which ends this process or a thread of it, is a line of the log.

    Python itself would write its message. Before the logs are configured it still does: there is no patient yet.
    """

    def of_process(kind: type[BaseException], error: BaseException, through: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt) or not logging.getLogger().handlers:
            sys.__excepthook__(kind, error, through)
        else:
            structlog.get_logger(__name__).error("ended_by_exception", exc_info=error)

    def of_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None:
            of_process(told.exc_type, told.exc_value, told.exc_traceback)

    sys.excepthook, threading.excepthook = of_process, of_thread


class LastLines(logging.Handler):
    """Holds what this process logged last, in JSON, until backoffice.presence takes it to where it can be read."""

    held: deque[str] = deque(maxlen=HELD_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.held.append(self.format(record))
        except Exception:
            self.handleError(record)

    @classmethod
    def taken(cls) -> list[str]:
        """The lines, which are held no more."""
        lines = []
        while cls.held:
            lines.append(cls.held.popleft())
        return lines


# A forked process would tell its parent's lines once more.
os.register_at_fork(after_in_child=LastLines.held.clear)


class CorrelationMiddleware:
    """Give each request a correlation id of our own, not the caller's, which would be free text, and answer with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        correlation_id = uuid.uuid4().hex
        # Bound until the thread's next request: Django's own line of an answer above 399 comes after all middleware.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(correlation_id=correlation_id)
        response = self.get_response(request)
        response[CORRELATION_HEADER] = correlation_id
        return response
