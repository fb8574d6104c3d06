"""A hospital's data in memory: indexes for the lookups, paging, and the writes kept in a journal."""

import base64
import binascii
import json
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.hospital import writing
from backoffice.sandbox.hospital.folder import parse_row
from backoffice.sandbox.hospital.journal import Entry, Journal
from backoffice.sandbox.hospital.records import (
    Appointment,
    BilledService,
    Case,
    CostCenter,
    Page,
    Physician,
    ServiceBlock,
    ServiceSession,
    SessionInput,
    WriteError,
)
from backoffice.sandbox.hospital.tables import Tables

EDITABLE: Final = ("appointments", "service_blocks", "cost_centers", "responsible_physicians", "cases")


class BadCursor(ValueError):
    """The cursor was not made by this listing."""


class Store:
    """One hospital. Reading needs no lock: writers replace whole values; all writes share one lock."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        """Load `folder`, then replay `journal`. Raises FolderError naming file and line."""
        tables = Tables(folder)
        self.appointments = tables.appointments
        self.activities = tables.activities
        self.configurations = tables.configurations
        self.blocks = tables.blocks
        self.cost_centers = tables.cost_centers
        self.physicians = tables.physicians
        self.cases = tables.cases
        self.by_key: dict[str, ServiceSession] = {}
        self._order = sorted(self.appointments.values(), key=_position)
        self._sessions: dict[str, ServiceSession] = {}
        self._of_appointment: dict[str, tuple[ServiceSession, ...]] = {}
        self._journal = journal
        self._write_lock = threading.Lock()
        for session in tables.sessions:
            self._set_session(session)
        for entry in journal.entries:
            self._apply(entry)
        journal.entries.clear()

    # --- reading

    def page(self, start: str, end: str, first: int, after: str | None) -> Page:
        """Up to `first` appointments with start <= their start < end, by (start, id). Raises BadCursor."""
        low = bisect_left(self._order, (start, ""), key=_position)
        high = bisect_left(self._order, (end, ""), key=_position)
        if after is not None:
            low = max(low, bisect_right(self._order, _decode(after), key=_position))
        nodes = self._order[low : min(low + first, high)]
        return Page(nodes, _encode(_position(nodes[-1])) if nodes else None, low + first < high)

    def sessions_of(self, appointment_ids: Iterable[str]) -> list[ServiceSession]:
        """The sessions of these appointments in their order, cancelled ones included, each once."""
        return [session for key in dict.fromkeys(appointment_ids) for session in self._of_appointment.get(key, ())]

    def written(self) -> list[ServiceSession]:
        """The sessions that came in through the mutation, oldest first."""
        return list(self.by_key.values())

    # --- writing

    def create_session(
        self, wanted: SessionInput, *, refused_blocks: Mapping[str, str], cancelled: bool = False
    ) -> ServiceSession | list[WriteError]:
        """The session of this key, made if there is none, or why not; all of it or nothing.

        A known key answers with the first session whatever else the input says. Before it returns a new session, that
        session is in the journal.
        """
        with self._write_lock:
            known = self.by_key.get(wanted.idempotency_key)
            if known is not None:
                return known
            errors = writing.refusals(self, wanted, refused_blocks)
            if errors:
                return errors
            session = _new_session(wanted, "CANCELLED" if cancelled else "BILLED")
            self._keep({"session": session})
            return session

    def cancel_session(self, session_id: str) -> None:
        """Set every service of a session to CANCELLED. Raises KeyError for an unknown one."""
        with self._write_lock:
            if session_id not in self._sessions:
                raise KeyError(session_id)
            self._keep({"cancel": session_id})

    def put(self, table: str, row: Mapping[str, str]) -> None:
        """Add or replace one record, given as a row of the CSV folder. Raises ValueError.

        For what staff would mend: one of EDITABLE. Cost centres and physicians are replaced by department.
        """
        if table not in EDITABLE:
            raise ValueError(f"{table!r} is none of {', '.join(EDITABLE)}")
        parse_row(table, row)
        with self._write_lock:
            self._keep({"put": table, "row": dict(row)})

    def close(self) -> None:
        """Release the journal, after a write that is under way."""
        with self._write_lock:
            self._journal.close()

    def _keep(self, entry: Entry) -> None:
        self._journal.append(entry)
        self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        """Make one journal entry true, the same way when it is new and when it is replayed."""
        match entry:
            case {"session": values}:
                self._set_session(_session_of(values))
            # A session of the folder may be gone when the folder has changed since.
            case {"cancel": session_id} if session_id in self._sessions:
                session = self._sessions[session_id]
                services = tuple(service._replace(status="CANCELLED") for service in session.services)
                self._set_session(session._replace(services=services))
            case {"put": table, "row": row}:
                self._set_record(parse_row(table, row))

    def _set_session(self, session: ServiceSession) -> None:
        """Add a session, or replace the one of this id where it stands."""
        siblings = {old.id: old for old in self._of_appointment.get(session.appointment_id, ())}
        siblings[session.id] = self._sessions[session.id] = session
        self._of_appointment[session.appointment_id] = tuple(siblings.values())
        if session.idempotency_key is not None:
            self.by_key[session.idempotency_key] = session

    def _set_record(self, record: Any) -> None:
        match record:
            case Appointment():
                old = self.appointments.get(record.id)
                # A new list, since a listing may be reading the old one.
                order = [one for one in self._order if one is not old]
                insort(order, record, key=_position)
                self.appointments[record.id], self._order = record, order
            case ServiceBlock():
                self.blocks[record.code] = record
            case CostCenter():
                self.cost_centers[record.department_id] = record
            case Physician():
                self.physicians[record.department_id] = record
            case Case():
                self.cases[record.id] = record


def _new_session(wanted: SessionInput, status: str) -> ServiceSession:
    return ServiceSession(
        # Of the key alone: a replay of the same run gives the same ids.
        id="S-" + sha256(wanted.idempotency_key.encode()).hexdigest()[:24],
        appointment_id=wanted.appointment_id,
        services=tuple(BilledService(service.block_code, service.quantity, status) for service in wanted.services),
        idempotency_key=wanted.idempotency_key,
        case_id=wanted.case_id,
        cost_center_id=wanted.cost_center_id,
        physician_id=wanted.physician_id,
    )


def _session_of(values: Iterable[Any]) -> ServiceSession:
    session = ServiceSession(*values)
    return session._replace(services=tuple(BilledService(*service) for service in session.services))


def _position(appointment: Appointment) -> tuple[str, str]:
    return appointment.start, appointment.id


def _encode(position: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _decode(cursor: str) -> tuple[str, str]:
    try:
        start, key = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        raise BadCursor("after is no cursor of this listing") from None
    if not (isinstance(start, str) and isinstance(key, str)):
        raise BadCursor("after is no cursor of this listing")
    return start, key
