"""A hospital of one department, made visit by visit, with a region that is connected to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backoffice.runs.models import Failure, Run
from backoffice.sandbox.hospital import Hospital, write_folder
from clinic.models import MissingService
from regions.models import Region
from tests.factories import RegionFactory
from tests.running import finish, start

TOKEN = "t0ken"
WEEK = {"from": "2026-03-02", "to": "2026-03-09"}


class Ward:
    """Type T bills E1 always, P1 and P2 when A1 and A2 were performed; department D, open outpatient case C.

    E1 costs 100.00, P1 50.00, P2 20.50. What a test wants otherwise it changes in `tables` before `open`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hospital: Hospital
        self.region: Region
        self.tables: dict[str, list[list[Any]]] = {
            "appointments": [],
            "activities": [],
            "service_sessions": [],
            "service_configurations": [
                ["T", "E1", "ALWAYS", ""],
                ["T", "P1", "PERFORMED", "A1"],
                ["T", "P2", "PERFORMED", "A2"],
            ],
            "service_blocks": [
                ["E1", "Encounter", "ACTIVE", "2000-01-01", "", "100.00", ""],
                ["P1", "Procedure 1", "ACTIVE", "2000-01-01", "", "50.00", ""],
                ["P2", "Procedure 2", "ACTIVE", "2000-01-01", "", "20.50", ""],
            ],
            "cost_centers": [["CC", "D", "true"]],
            "responsible_physicians": [["D", "PHY"]],
            "cases": [["C", "P", "OUTPATIENT", "OPEN"], ["SHUT", "P", "OUTPATIENT", "CLOSED"]],
        }

    def visit(self, id: str, activities: Mapping[str, int] | None = None, **other: str) -> None:
        """One appointment; each starts a minute after the one before."""
        minute = len(self.tables["appointments"])
        values = {
            "start": f"2026-03-03T{8 + minute // 60:02}:{minute % 60:02}:00Z",
            "end": "",
            "status": "FINISHED",
            "type_code": "T",
            "patient_id": "P",
            "department_id": "D",
            "practitioner_id": "",
            "case_id": "C",
        } | other
        self.tables["appointments"].append([id, *values.values()])
        self.tables["activities"] += [[id, code, n] for code, n in (activities or {}).items()]

    def bill(self, session: str, appointment: str, block: str, status: str = "BILLED") -> None:
        self.tables["service_sessions"].append([session, appointment, block, 1, status])

    def open(self, **region: Any) -> "Ward":
        write_folder(self.folder, self.tables)
        self.hospital = Hospital(self.folder, token=TOKEN).start()
        connection = {"HOSPITAL_GRAPHQL_URL": self.hospital.url, "HOSPITAL_API_TOKEN": TOKEN}
        self.region = RegionFactory.create(env_vars=connection, **region)
        return self

    def recover(self, **parameters: Any) -> Run:
        """A run over the week, or over what is said, worked to its end in this process."""
        chosen = parameters if {"only", "from", "days"} & parameters.keys() else WEEK | parameters
        return finish(start("recover_services", self.region, **chosen))

    def row(self, appointment: str) -> MissingService:
        return MissingService.objects.get(region=self.region, appointment_id=appointment)

    @property
    def written(self) -> list[tuple[str, dict[str, int]]]:
        """(appointment, {block: quantity}) of each session that was written."""
        return [
            (one.appointment_id, {each.block_code: each.quantity for each in one.services})
            for one in self.hospital.sessions_written()
        ]


def failures(run: Run) -> dict[str, str]:
    """Appointment → "category: reason" of the run's chain."""
    rows = Failure.objects.filter(run__chain=run.chain)
    return {row.reference: f"{row.category}: {row.reason}" for row in rows}
