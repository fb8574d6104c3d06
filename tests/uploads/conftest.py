from collections.abc import Iterator

import pytest

from clinic.uploads.files import folder
from tests.booking.conftest import api, clinic, elsewhere, now, other_patient, portal

__all__ = ["api", "clinic", "elsewhere", "now", "other_patient", "portal"]


@pytest.fixture(autouse=True)
def no_files() -> Iterator[None]:
    """The folder of the videos is empty before a test and after it."""
    for path in folder().iterdir():
        path.unlink()
    yield
    for path in folder().iterdir():
        path.unlink()
