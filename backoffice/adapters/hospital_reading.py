"""Reads the hospital's JSON into values and believes nothing of it.

Raises Unreadable where a field that the schema calls non-null is null or wrong. Where the schema allows null, what is
wrong is read as None: so one odd optional field costs its appointment a reason, not the whole listing. A node without
its id or start, on the other hand, could not be accounted for, and makes the listing unreadable.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from backoffice.adapters.hospital_types import (
    Activity,
    Appointment,
    BilledService,
    Block,
    Case,
    Configuration,
    CostCenter,
    Page,
    Physician,
    Rule,
    Session,
    WriteError,
)

ID: Final = 120
CODE: Final = 60
CURSOR: Final = 2_000
PRICE: Final = re.compile(r"\d{1,10}(\.\d{1,2}0*)?", re.ASCII)
INT_MAX: Final = 2**31 - 1
APPOINTMENT_STATUS: Final = ("BOOKED", "FINISHED", "CANCELLED", "NOSHOW")
SERVICE_STATUS: Final = ("BILLED", "CANCELLED")
TRIGGER: Final = ("ALWAYS", "PERFORMED")
CASE_TYPE: Final = ("OUTPATIENT", "INPATIENT", "EMERGENCY")
CASE_STATUS: Final = ("OPEN", "CLOSED")
BLOCK_STATUS: Final = ("ACTIVE", "RETIRED")
WRITE_ERROR: Final = (
    "BLOCK_REJECTED",
    "BLOCK_NOT_VALID",
    "BLOCK_ALREADY_BILLED",
    "CASE_CLOSED",
    "VALIDATION_FAILED",
    "FORBIDDEN",
    "INTERNAL",
)  # fmt: skip
Value = TypeVar("Value")


class Unreadable(Exception):
    """Names the field that is not as hospital.graphql says; never its value."""


class Node:
    """One JSON object, read field by field."""

    __slots__ = ("_fields",)

    def __init__(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise Unreadable("object")
        self._fields = value

    def text(self, name: str, limit: int = ID) -> str:
        """Printable text of 1..limit characters: what no database, header or log chokes on."""
        value = self._fields.get(name)
        if not (isinstance(value, str) and 0 < len(value) <= limit and value.isprintable()):
            raise Unreadable(name)
        return value

    def word(self, name: str, words: Sequence[str]) -> str:
        return _word(name, self._fields.get(name), words)

    def words(self, name: str, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(_word(name, value, words) for value in self._list(name))

    def whole(self, name: str) -> int:
        """GraphQL's Int, which no quantity of ours has below zero."""
        value = self._fields.get(name)
        if not (type(value) is int and 0 <= value <= INT_MAX):
            raise Unreadable(name)
        return value

    def flag(self, name: str) -> bool:
        value = self._fields.get(name)
        if not isinstance(value, bool):
            raise Unreadable(name)
        return value

    def price(self, name: str) -> Decimal:
        value = self._fields.get(name)
        if not (isinstance(value, str) and PRICE.fullmatch(value)):
            raise Unreadable(name)
        return Decimal(value)

    def day(self, name: str) -> date:
        with suppress(ValueError):
            return date.fromisoformat(self.text(name))
        raise Unreadable(name)

    def moment(self, name: str) -> datetime:
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(self.text(name))
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        raise Unreadable(name)

    def node(self, name: str) -> "Node":
        return Node(self._fields.get(name))

    def nodes(self, name: str, read: "Callable[[Node], Value]") -> tuple[Value, ...]:
        return tuple(read(Node(value)) for value in self._list(name))

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._fields.get(name) is not None

    def _list(self, name: str) -> list[Any]:
        value = self._fields.get(name)
        if not isinstance(value, list):
            raise Unreadable(name)
        return value


def _word(name: str, value: Any, words: Sequence[str]) -> str:
    if not (isinstance(value, str) and value in words):
        raise Unreadable(name)
    return value


def optional(read: Callable[..., Value], *arguments: Any) -> Value | None:
    """What `read` reads, or None where it is null or not as the schema says."""
    try:
        return read(*arguments)
    except Unreadable:
        return None


def page(value: Any, *, begins: datetime, ends: datetime, first: int, after: str | None) -> Page:
    """A page is believed when it holds what was asked for, each appointment once, and when it leads on."""
    node = Node(value)
    appointments = node.nodes("nodes", _appointment)
    has_next = node.flag("hasNextPage")
    end_cursor = optional(node.text, "endCursor", CURSOR)
    if len(appointments) > first or len({one.id for one in appointments}) < len(appointments):
        raise Unreadable("nodes")
    if not all(begins <= one.start < ends for one in appointments):
        raise Unreadable("start")
    if has_next and (end_cursor is None or end_cursor == after or not appointments):
        raise Unreadable("endCursor")
    return Page(appointments, end_cursor, has_next)


def sessions(value: Any, *, ids: Sequence[str]) -> dict[str, tuple[Session, ...]]:
    """The sessions of each id, none included. One of an appointment that was not asked for makes all unreadable."""
    found: dict[str, tuple[Session, ...]] = dict.fromkeys(ids, ())
    for one in Node({"sessions": value}).nodes("sessions", session):
        if one.appointment_id not in found:
            raise Unreadable("appointmentId")
        found[one.appointment_id] += (one,)
    return found


def session(node: Node) -> Session:
    return Session(node.text("id"), node.text("appointmentId"), node.nodes("services", _billed_service))


def configuration(node: Node) -> Configuration:
    return Configuration(node.text("typeCode", CODE), node.nodes("rules", _rule))


def cost_center(node: Node) -> CostCenter:
    return CostCenter(node.text("id"), node.text("departmentId"), node.flag("active"))


def physician(node: Node) -> Physician:
    return Physician(node.text("id"), node.text("departmentId"))


def case(node: Node) -> Case:
    return Case(node.text("id"), node.text("patientId"), node.word("type", CASE_TYPE), node.word("status", CASE_STATUS))


def block(node: Node) -> Block:
    """A validTo that is wrong is no open end: the block would be billed for ever."""
    return Block(
        code=node.text("code", CODE),
        name=node.text("name", 300),
        status=node.word("status", BLOCK_STATUS),
        valid_from=node.day("validFrom"),
        valid_to=node.day("validTo") if node.has("validTo") else None,
        price=node.price("price"),
        allowed_case_types=node.words("allowedCaseTypes", CASE_TYPE),
    )


def created(node: Node, *, appointment_id: str) -> Session | tuple[WriteError, ...]:
    """The session or why there is none. Both, neither, or another appointment's session is no answer."""
    errors = node.nodes("errors", _write_error)
    if errors and not node.has("session"):
        return errors
    one = session(node.node("session"))
    if errors or one.appointment_id != appointment_id:
        raise Unreadable("session")
    return one


def _appointment(node: Node) -> Appointment:
    return Appointment(
        id=node.text("id"),
        start=node.moment("start"),
        end=optional(node.moment, "end"),
        status=node.word("status", APPOINTMENT_STATUS),
        type_code=optional(node.text, "typeCode", CODE),
        patient_id=optional(node.text, "patientId"),
        department_id=optional(node.text, "departmentId"),
        practitioner_id=optional(node.text, "practitionerId"),
        case_id=optional(node.text, "caseId"),
        activities=node.nodes("activities", _activity),
    )


def _activity(node: Node) -> Activity:
    return Activity(node.text("code", CODE), node.whole("quantity"))


def _billed_service(node: Node) -> BilledService:
    return BilledService(node.text("blockCode", CODE), node.whole("quantity"), node.word("status", SERVICE_STATUS))


def _rule(node: Node) -> Rule:
    return Rule(node.text("blockCode", CODE), node.word("trigger", TRIGGER), optional(node.text, "activityCode", CODE))


def _write_error(node: Node) -> WriteError:
    return WriteError(node.word("code", WRITE_ERROR), optional(node.text, "blockCode", CODE))
