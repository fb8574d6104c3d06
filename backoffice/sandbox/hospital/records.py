"""The hospital's records, named as in hospital.graphql with underscores.

Named tuples, because 200,000 appointments must load in seconds: a tuple of strings is small and left alone by the
garbage collector. Times are text in the one form 2026-11-22T08:00:00Z and dates 2026-11-22, so that they sort as text.
"""

from decimal import Decimal
from typing import NamedTuple


class Appointment(NamedTuple):
    """A visit; what was done in it lies in Store.activities."""

    id: str
    start: str
    end: str | None
    status: str
    type_code: str | None
    patient_id: str | None
    department_id: str | None
    practitioner_id: str | None
    case_id: str | None


class Activity(NamedTuple):
    """Something done during a visit."""

    code: str
    quantity: int


class BilledService(NamedTuple):
    """One line of a session, with a status of its own."""

    block_code: str
    quantity: int
    status: str


class ServiceSession(NamedTuple):
    """Services billed together; the last four are known only of a session that was written here."""

    id: str
    appointment_id: str
    services: tuple[BilledService, ...]
    idempotency_key: str | None = None
    case_id: str | None = None
    cost_center_id: str | None = None
    physician_id: str | None = None


class ServiceRule(NamedTuple):
    """One block that a visit of some type makes due."""

    block_code: str
    trigger: str
    activity_code: str | None


class ServiceConfiguration(NamedTuple):
    """The rules of one appointment type."""

    type_code: str
    rules: tuple[ServiceRule, ...]


class CostCenter(NamedTuple):
    """Where a department's services are booked."""

    id: str
    department_id: str
    active: bool


class Physician(NamedTuple):
    """Who answers for a department's services."""

    id: str
    department_id: str


class Case(NamedTuple):
    """A patient's case; a CLOSED one takes no further session."""

    id: str
    patient_id: str
    type: str
    status: str


class ServiceBlock(NamedTuple):
    """A billable service and its price; no allowed case type means all of them."""

    code: str
    name: str
    status: str
    valid_from: str
    valid_to: str | None
    price: Decimal
    allowed_case_types: tuple[str, ...]


class Page(NamedTuple):
    """One page of the listing, as AppointmentConnection."""

    nodes: list[Appointment]
    end_cursor: str | None
    has_next_page: bool


class ServiceInput(NamedTuple):
    """One service that a write asks for."""

    block_code: str
    quantity: int


class SessionInput(NamedTuple):
    """A whole write, as CreateServiceSessionInput."""

    idempotency_key: str
    appointment_id: str
    case_id: str
    cost_center_id: str
    physician_id: str
    services: tuple[ServiceInput, ...]


class WriteError(NamedTuple):
    """Why nothing was written; block_code is set when the others would have been accepted."""

    code: str
    message: str
    block_code: str | None = None
