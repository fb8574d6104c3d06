from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clinic.ward import Ward


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """A hospital to be filled and opened by the test; closed after it."""
    made = Ward(tmp_path / "ward")
    yield made
    if hasattr(made, "hospital"):
        made.hospital.stop()


@pytest.fixture(autouse=True)
def _no_long_pauses(short_pauses: None) -> None:
    """No test here is about how long a retry waits."""
