"""The eight tables of a CSV folder in memory, joined and checked against each other."""

import gc
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backoffice.sandbox.hospital.folder import FolderError, read_table
from backoffice.sandbox.hospital.records import (
    Activity,
    Appointment,
    BilledService,
    Case,
    CostCenter,
    Physician,
    ServiceBlock,
    ServiceConfiguration,
    ServiceRule,
    ServiceSession,
)


class Tables:
    """What a folder holds. Cost centres and physicians are by department, activities by appointment.

    Raises FolderError, naming file and line, for a row that is malformed, there twice, or of an unknown appointment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _no_garbage_collection():
            self._load()

    def _load(self) -> None:
        self.appointments: dict[str, Appointment] = {}
        self.blocks: dict[str, ServiceBlock] = {}
        self.cost_centers: dict[str, CostCenter] = {}
        self.physicians: dict[str, Physician] = {}
        self.cases: dict[str, Case] = {}
        self._load_by("id", "appointments", self.appointments)
        self._load_by("code", "service_blocks", self.blocks)
        self._load_by("department_id", "cost_centers", self.cost_centers)
        self._load_by("department_id", "responsible_physicians", self.physicians)
        self._load_by("id", "cases", self.cases)
        self.configurations = self._configurations()
        self.activities = self._activities()
        self.sessions = self._sessions()

    def _load_by(self, column: str, table: str, into: dict[str, Any]) -> None:
        for line, record in read_table(self._folder, table):
            key = getattr(record, column)
            if key in into:
                raise self._fault(table, line, f"{column} {key} is there twice")
            into[key] = record

    def _configurations(self) -> dict[str, ServiceConfiguration]:
        rules: defaultdict[str, list[ServiceRule]] = defaultdict(list)
        for _, (type_code, rule) in read_table(self._folder, "service_configurations"):
            rules[type_code].append(rule)
        return {code: ServiceConfiguration(code, tuple(some)) for code, some in rules.items()}

    def _activities(self) -> dict[str, tuple[Activity, ...]]:
        activities: dict[str, tuple[Activity, ...]] = {}
        for line, (appointment_id, activity) in read_table(self._folder, "activities"):
            key = self._known(appointment_id, "activities", line)
            activities[key] = (*activities.get(key, ()), activity)
        return activities

    def _sessions(self) -> list[ServiceSession]:
        found: dict[str, tuple[str, list[BilledService]]] = {}
        for line, (session_id, appointment_id, service) in read_table(self._folder, "service_sessions"):
            key = self._known(appointment_id, "service_sessions", line)
            owner, services = found.setdefault(session_id, (key, []))
            if owner != key:
                raise self._fault("service_sessions", line, f"session {session_id} belongs to two appointments")
            services.append(service)
        return [ServiceSession(key, owner, tuple(services)) for key, (owner, services) in found.items()]

    def _known(self, appointment_id: str, table: str, line: int) -> str:
        """The appointment's own copy of its id, so that 200,000 of them are in memory once."""
        appointment = self.appointments.get(appointment_id)
        if appointment is None:
            raise self._fault(table, line, f"appointment {appointment_id} is not in appointments.csv")
        return appointment.id

    def _fault(self, table: str, line: int, reason: str) -> FolderError:
        return FolderError(self._folder / f"{table}.csv", line, reason)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A million new tuples make no garbage, but make the collector look at them all again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
