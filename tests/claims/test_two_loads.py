"""Who presses the button twice, or while a colleague does, stages no line twice."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from claims.models import StagedBatch
from claims.pipeline import load as loading
from claims.pipeline.load import FolderRefused, load
from claims.pipeline.turns import take_turn
from regions.models import Region
from tests.claims.folders import new_region, small_world, write_folder
from tests.running import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_folder_that_is_loaded_twice_at_once_is_staged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-22: each would pay its lines."""
    region = new_region()
    write_folder(tmp_path, small_world())
    both_began = threading.Barrier(2)

    def together(region: Region) -> None:
        with suppress(threading.BrokenBarrierError):  # SQLite lets no second transaction begin
            both_began.wait(2)
        take_turn(region)

    monkeypatch.setattr(loading, "take_turn", together)

    def load_once() -> str:
        try:
            load(tmp_path, region)
        except FolderRefused as error:
            return str(error)
        return ""

    loaded, refused = at_once(load_once, 2)
    assert StagedBatch.objects.filter(region=region).count() == 1
    assert loaded == ""
    assert "is staged already" in refused
