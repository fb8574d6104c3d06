"""Recovery runs to their end in the test's own process."""

from pathlib import Path
from typing import Any

from backoffice.runs.models import Run
from backoffice.sandbox.hospital import Hospital
from regions.models import Region
from tests.factories import RegionFactory
from tests.running import finish, start

Billed = set[tuple[str, tuple[tuple[str, int], ...]]]


def recover(region: Region, **parameters: Any) -> Run:
    """A new chain, worked to its end."""
    return finish(start("recover_services", region, **parameters))


def billed(hospital: Hospital) -> Billed:
    """What was written: (appointment, its blocks and quantities), one entry per session."""
    sessions = [
        (session.appointment_id, tuple(sorted((each.block_code, each.quantity) for each in session.services)))
        for session in hospital.sessions_written()
    ]
    assert len(sessions) == len(set(sessions))
    return set(sessions)


def billed_without_faults(folder: Path, token: str, **parameters: Any) -> Billed:
    """What a run over the same data writes when nothing goes wrong."""
    with Hospital(folder, token=token) as twin:
        region = RegionFactory.create(env_vars={"HOSPITAL_GRAPHQL_URL": twin.url, "HOSPITAL_API_TOKEN": token})
        recover(region, **parameters)
        return billed(twin)
