"""A watch over one test's processes, and a worker that serves their jobs."""

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.canary.watch import Watch, watching
from tests.processes import Processes


@pytest.fixture
def watch(processes: Processes, queue: Redis, queue_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    with watching(processes, queue, queue_server, monkeypatch) as watch:
        yield watch
