"""Who presses the button twice, or while a colleague does, stages no line twice."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from claims.models import StagedBatch
from claims.pipeline import load as loading
from claims.pipeline.load import FolderRefused, load
from regions.models import Region
from tests.claims.folders import new_region, small_world, write_folder

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_folder_that_is_loaded_twice_at_once_is_staged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-22: each would pay its lines."""
    region = new_region()
    write_folder(tmp_path, small_world())
    said: list[Any] = []
    both_began = threading.Barrier(2)
    take_turn = loading.take_turn

    def together(region: Region) -> None:
        with suppress(threading.BrokenBarrierError):  # SQLite lets no second transaction begin
            both_began.wait(2)
        take_turn(region)

    monkeypatch.setattr(loading, "take_turn", together)

    def load_once() -> None:
        try:
            said.append(load(tmp_path, region))
        except FolderRefused as error:
            said.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=load_once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert StagedBatch.objects.filter(region=region).count() == 1
    (refused,) = [each for each in said if isinstance(each, str)]
    assert "is staged already" in refused
