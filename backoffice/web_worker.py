"""Gunicorn's worker with threads, which says of a request that it cannot read what kind of fault that was, and no more.

Gunicorn's own repeats the request's line or header in its log and in its answer, and callers put names into both.
"""

import socket
from contextlib import suppress
from http import HTTPStatus

import structlog
from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

log = structlog.get_logger(__name__)

OURS = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
STATUSES: dict[type[Exception], HTTPStatus] = {
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn itself has to say goes to our log, too, where an exception is told by its class and place."""

    def init_process(self) -> None:
        self.log.error_log.handlers.clear()
        self.log.error_log.propagate = True
        super().init_process()

    def handle_error(self, req: object, client: socket.socket, addr: object, exc: Exception) -> None:
        """Answer what did not come to the application, or broke off in it."""
        status, kind = status_of(exc), type(exc).__name__
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request_broke_off", exc_info=exc)
        else:
            log.warning("request_unreadable", kind=kind, status=status.value)
        with suppress(OSError):
            util.write_error(client, status.value, status.phrase, kind)


def status_of(error: Exception) -> HTTPStatus:
    """400 and its like for what the caller sent, 500 for all else."""
    if isinstance(error, OURS) or not isinstance(error, errors.ParseException):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
