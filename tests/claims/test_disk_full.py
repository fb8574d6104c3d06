"""A disk without room for a file ends the night by name, and leaves nothing that a restart would count."""

import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from backoffice.runs.models import RunStatus
from claims.pipeline import files
from tests.claims.undisturbed import assert_undisturbed, ready, short_night, undisturbed
from tests.running import go_on

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def no_room() -> Iterator[None]:
    """A file may have 100 bytes."""
    usual = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, usual)


@pytest.mark.slow
@pytest.mark.parametrize("output", ["enriched", pytest.param("remittance", marks=pytest.mark.slow)])
def test_a_file_that_cannot_be_written_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    """S2-21, S2-24, S2-28"""
    undisturbed()
    write, calls = files._write, 0

    def short_of_room(frame: Any, name: str) -> None:
        nonlocal calls
        calls += f"/{output}/" in name
        if calls == 3 or (calls and output == "remittance"):
            with no_room():
                return write(frame, name)
        return write(frame, name)

    with monkeypatch.context() as patch:
        patch.setattr(files, "_write", short_of_room)
        run = short_night(ready())
    assert (run.status, run.reason) == (RunStatus.FAILED, "storage")
    said = rf"{output}: a file cannot be written \(.+\)\. Is the disk full\? Make room and restart\.$"
    assert re.match(said, run.detail), run.detail
    assert_undisturbed(go_on(run))
