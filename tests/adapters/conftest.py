"""A hospital adapter on a peer that answers what a test tells it to."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backoffice.adapters.hospital import Hospital, Page, Session, WriteError

TOKEN = "s3cret-token-of-nebraska"
BEGINS, ENDS = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC)
Connect = Callable[..., Hospital]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes adapters and closes them after the test."""
    with ExitStack() as opened:

        def connect_to(url: str, *, timeout: float = 5.0, **options: Any) -> Hospital:
            return opened.enter_context(closing(Hospital(url, TOKEN, timeout=timeout, **options)))

        yield connect_to


@pytest.fixture
def peer(httpserver: HTTPServer) -> HTTPServer:
    return httpserver


@pytest.fixture
def hospital(connect: Connect, peer: HTTPServer) -> Hospital:
    return connect(peer.url_for("/graphql"), correlation_id="c0ffee")


def answer(peer: HTTPServer, field: str, value: Any) -> None:
    """From now on, answer `value` under data.`field`."""
    peer.expect_request("/graphql", method="POST").respond_with_json({"data": {field: value}})


def answer_errors(peer: HTTPServer, *codes: str) -> None:
    """From now on, answer GraphQL errors with these codes, as HTTP 200."""
    errors = [{"message": "about patient P-007", "extensions": {"code": code}} for code in codes]
    peer.expect_request("/graphql").respond_with_json({"data": None, "errors": errors})


def then(peer: HTTPServer, status: int, body: Any = "", **headers: str) -> None:
    """Answer this once, after what was said before."""
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    peer.expect_ordered_request("/graphql").respond_with_data(text, status=status, headers=headers)


def listing(hospital: Hospital, after: str | None = None) -> Page:
    return hospital.appointments(BEGINS, ENDS, 200, after)


def create(hospital: Hospital) -> Session | tuple[WriteError, ...]:
    return hospital.create_session(
        key="k-1",
        appointment_id="A-1",
        case_id="C-1",
        cost_center_id="CC-1",
        physician_id="PH-1",
        services=[("B-1", 1), ("B-2", 3)],
    )


def appointment(**changes: Any) -> dict[str, Any]:
    return {
        "id": "A-1",
        "start": "2026-11-02T08:00:00Z",
        "end": "2026-11-02T08:15:00Z",
        "status": "FINISHED",
        "typeCode": "T-1",
        "patientId": "P-007",
        "departmentId": "D-1",
        "practitionerId": "N-1",
        "caseId": "C-1",
        "activities": [{"code": "X", "quantity": 2}],
        **changes,
    }


def page_of(*appointments: Any, **changes: Any) -> dict[str, Any]:
    return {"nodes": list(appointments), "endCursor": None, "hasNextPage": False, **changes}


BLOCK = {
    "code": "B-1",
    "name": "Consultation",
    "status": "ACTIVE",
    "validFrom": "2020-01-01",
    "validTo": None,
    "price": "83.87",
    "allowedCaseTypes": ["OUTPATIENT"],
}
SESSION = {
    "id": "S-1",
    "appointmentId": "A-1",
    "services": [{"blockCode": "B-1", "quantity": 1, "status": "BILLED"}],
}
