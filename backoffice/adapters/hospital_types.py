"""What the hospital says, as values: the types of hospital.graphql in snake_case, and how a call can fail.

Instants are aware and in UTC, dates are dates, prices are Decimal. Enumerations are their words as text.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


class HospitalRefused(Exception):
    """No call can succeed until the address, the token or the program changes; the message is one line, no secrets."""


class HospitalUnavailable(Exception):
    """One call failed, after retries where they make sense.

    `code` is "connection", "http_NNN", "INTERNAL", "FORBIDDEN" or "unreadable_answer"; `detail` is the field that could
    not be read, or empty. A write that failed so was certainly not carried out.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} ({detail})" if detail else code)
        self.code, self.detail = code, detail


class WriteUnanswered(Exception):
    """The mutation was or may have been carried out and no readable answer came; it was not sent again."""


@dataclass(frozen=True, slots=True)
class Activity:
    code: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Appointment:
    id: str
    start: datetime
    end: datetime | None
    status: str
    type_code: str | None
    patient_id: str | None
    department_id: str | None
    practitioner_id: str | None
    case_id: str | None
    activities: tuple[Activity, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Appointments by (start, id). With has_next, end_cursor is what the next page is asked for with."""

    appointments: tuple[Appointment, ...]
    end_cursor: str | None
    has_next: bool


@dataclass(frozen=True, slots=True)
class BilledService:
    block_code: str
    quantity: int
    status: str


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    appointment_id: str
    services: tuple[BilledService, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    block_code: str
    trigger: str
    activity_code: str | None


@dataclass(frozen=True, slots=True)
class Configuration:
    type_code: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class CostCenter:
    id: str
    department_id: str
    active: bool


@dataclass(frozen=True, slots=True)
class Physician:
    id: str
    department_id: str


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    patient_id: str
    type: str
    status: str


@dataclass(frozen=True, slots=True)
class Block:
    """A service block. Both dates are included; no allowed case types: all are allowed."""

    code: str
    name: str
    status: str
    valid_from: date
    valid_to: date | None
    price: Decimal
    allowed_case_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WriteError:
    """Why a session was refused. block_code: this block alone is at fault, the others would have been accepted."""

    code: str
    block_code: str | None
