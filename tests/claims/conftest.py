"""A night over a small world."""

from pathlib import Path
from typing import Any

import pytest

from backoffice.runs.models import Run, RunStatus
from tests.claims.folders import (
    run_night,
    small_world,
    staged,
)

Tables = dict[str, list[dict[str, str]]]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world of some lines is more than one block."""
    monkeypatch.setattr("claims.pipeline.cut.AT_ONCE", 2)


@pytest.fixture
def night(tmp_path: Path) -> Any:
    """A night over one of each, with what the test says otherwise."""

    def run(**tables: list[dict[str, str]]) -> Run:
        found = run_night(staged(tmp_path, small_world(**tables)))
        assert found.status == RunStatus.COMPLETE, found.detail
        return found

    return run
