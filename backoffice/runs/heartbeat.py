"""The heartbeat: a timer thread with a connection of its own says every few seconds that the part is being worked."""

import threading
from types import TracebackType
from typing import Self

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from backoffice.runs.models import StepPart
from backoffice.runs.parts import FenceLost

log = structlog.get_logger(__name__)


class Heartbeat:
    """Beats while its block runs. A database that does not answer is asked at the next beat; the reaper judges."""

    def __init__(self, part: StepPart) -> None:
        self._part_id, self._fence = part.pk, part.fence
        self._done, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{part.pk}", daemon=True)

    def check(self) -> None:
        """Raise FenceLost when a beat has found that somebody else holds the part."""
        if self._lost.is_set():
            raise FenceLost

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._done.wait(settings.RUN_HEARTBEAT_SECONDS):
                try:
                    held = StepPart.objects.filter(pk=self._part_id, fence=self._fence).update(
                        heartbeat_at=timezone.now()
                    )
                except (DatabaseError, InterfaceError) as error:
                    log.warning("heartbeat_failed", error=type(error).__name__)
                    connection.close()
                    continue
                if not held:
                    self._lost.set()
                    return
        finally:
            connection.close()
