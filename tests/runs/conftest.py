from collections.abc import Iterator

import pytest

from backoffice.runs.models import Run
from backoffice.runs.registry import JOBS, job_named
from tests.runs import toy


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[toy.World]:
    """The toy jobs in the table, and a fresh world for them."""
    for name, attribute in (("toy", "TOY"), ("three", "THREE_STEPS"), ("writing", "WRITING")):
        monkeypatch.setitem(JOBS, name, f"tests.runs.toy.{attribute}")
    monkeypatch.setattr(toy, "world", toy.World())
    job_named.cache_clear()
    yield toy.world
    job_named.cache_clear()


def parts_of(run: Run) -> list[int]:
    """Ids of the parts that wait to be worked, in order."""
    from backoffice.runs.state import waiting_parts

    return list(waiting_parts().filter(run=run).values_list("pk", flat=True))
