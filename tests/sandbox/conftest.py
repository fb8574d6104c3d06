from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice.sandbox.hospital import Hospital
from tests.sandbox.world import TOKEN, Client, client_of, write_world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tiny hospital's CSV files."""
    return write_world(tmp_path / "data")


@pytest.fixture
def hospital(folder: Path) -> Iterator[Hospital]:
    """The tiny hospital, served."""
    with Hospital(folder, token=TOKEN) as served:
        yield served


@pytest.fixture
def client(hospital: Hospital) -> Iterator[Client]:
    """A client of the tiny hospital."""
    with client_of(hospital) as connected:
        yield connected
