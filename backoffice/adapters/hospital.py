"""The hospital information system: hospital.graphql over one pooled client, as plain calls."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from backoffice.adapters import hospital_documents as documents
from backoffice.adapters import hospital_reading as reading
from backoffice.adapters.hospital_documents import Document
from backoffice.adapters.hospital_reading import Node, Unreadable
from backoffice.adapters.hospital_types import (
    Activity,
    Appointment,
    BilledService,
    Block,
    Case,
    Configuration,
    CostCenter,
    HospitalRefused,
    HospitalUnavailable,
    Page,
    Physician,
    Rule,
    Session,
    WriteError,
    WriteUnanswered,
)
from backoffice.adapters.hospital_wire import Wire
from backoffice.adapters.pace import Pace

__all__ = [
    "Activity",
    "Appointment",
    "BilledService",
    "Block",
    "Case",
    "Configuration",
    "CostCenter",
    "Hospital",
    "HospitalRefused",
    "HospitalUnavailable",
    "Page",
    "Physician",
    "Rule",
    "Session",
    "WriteError",
    "WriteUnanswered",
]
Value = TypeVar("Value")


class Hospital:
    """One hospital for one run; safe to share between threads.

    Each call, and each of its up to three retries, waits for `pace` and then ends within `timeout` seconds. Retried are
    faults that may pass: no connection, 429 and 503 (their Retry-After is honoured up to 30 s) for every call; a broken
    or timed out one, another 5xx and INTERNAL for reads only. Every request carries `correlation_id`.

    Every method raises HospitalRefused or HospitalUnavailable, and PaceUnavailable where there is a pace. An answer
    that is no JSON, longer than 4 MiB, or not as hospital.graphql says is "unreadable_answer" as a whole; what is
    forgiven is told in hospital_reading. So is an answer about another object than the one that was asked for.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float,
        pace: Pace | None = None,
        correlation_id: str = "",
        connections: int = 8,
    ) -> None:
        self.url = url
        self._wire = Wire(
            url, token, timeout=timeout, pace=pace, correlation_id=correlation_id, connections=connections
        )

    def appointments(self, begins: datetime, ends: datetime, first: int, after: str | None) -> Page:
        """The appointments that start in [begins, ends), both aware, by (start, id); at most `first` (1..500)."""
        variables = {"from": _instant(begins), "to": _instant(ends), "first": first, "after": after}
        return self._wire.ask(
            "appointments",
            documents.APPOINTMENTS,
            variables,
            lambda value: reading.page(value, begins=begins, ends=ends, first=first, after=after),
        )

    def sessions(self, ids: Sequence[str]) -> dict[str, tuple[Session, ...]]:
        """The sessions of 1..200 appointments, cancelled ones included; every id is a key. No call for no ids."""
        if not ids:
            return {}
        read = documents.SESSIONS
        return self._wire.ask("sessions", read, {"ids": list(ids)}, lambda value: reading.sessions(value, ids=ids))

    def session_by_key(self, key: str) -> Session | None:
        """The session that this idempotency key created."""
        return self._wire.ask("session_by_key", documents.SESSION_BY_KEY, {"key": key}, _or_none(reading.session))

    def configuration(self, type_code: str) -> Configuration | None:
        return self._look_up(
            "configuration", documents.CONFIGURATION, type_code, reading.configuration, lambda found: found.type_code
        )

    def cost_center(self, department_id: str) -> CostCenter | None:
        return self._look_up(
            "cost_center", documents.COST_CENTER, department_id, reading.cost_center, lambda found: found.department_id
        )

    def physician(self, department_id: str) -> Physician | None:
        return self._look_up(
            "physician", documents.PHYSICIAN, department_id, reading.physician, lambda found: found.department_id
        )

    def case(self, id: str) -> Case | None:
        return self._look_up("case", documents.CASE, id, reading.case, lambda found: found.id)

    def block(self, code: str) -> Block | None:
        return self._look_up("block", documents.BLOCK, code, reading.block, lambda found: found.code)

    def create_session(
        self,
        *,
        key: str,
        appointment_id: str,
        case_id: str,
        cost_center_id: str,
        physician_id: str,
        services: Sequence[tuple[str, int]],
    ) -> Session | tuple[WriteError, ...]:
        """Bill `services` (block code, quantity) in one session, or learn why not; the same key never bills twice.

        Raises WriteUnanswered as well: whoever called must find out by the key what became of it (contract X-20).
        """
        wanted = {
            "idempotencyKey": key,
            "appointmentId": appointment_id,
            "caseId": case_id,
            "costCenterId": cost_center_id,
            "physicianId": physician_id,
            "services": [{"blockCode": code, "quantity": quantity} for code, quantity in services],
        }
        return self._wire.ask(
            "create_session",
            documents.CREATE_SESSION,
            {"input": wanted},
            lambda value: reading.created(Node(value), appointment_id=appointment_id),
            writes=True,
        )

    def take_calls(self) -> Counter[str]:
        """The calls since the last take, by the name of the method; the times that one was sent again as "retries"."""
        return self._wire.take_calls()

    def close(self) -> None:
        """Close the connections; calls after that, and what threads would still retry, raise HospitalUnavailable."""
        self._wire.close()

    def _look_up(
        self, kind: str, document: Document, key: str, read: Callable[[Node], Value], key_of: Callable[[Value], str]
    ) -> Value | None:
        def checked(node: Node) -> Value:
            found = read(node)
            if key_of(found) != key:
                raise Unreadable("key")
            return found

        return self._wire.ask(kind, document, {"key": key}, _or_none(checked))


def _or_none(read: Callable[[Node], Value]) -> Callable[[Any], Value | None]:
    return lambda value: None if value is None else read(Node(value))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
