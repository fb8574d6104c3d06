"""A tiny hospital for tests of the sandbox, and a client that speaks GraphQL to it."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from backoffice.sandbox.hospital import Hospital, write_folder

TOKEN = "a-token-of-this-test"
TABLES: dict[str, list[Sequence[object]]] = {
    "appointments": [
        ("A-3", "2026-03-02T10:00:00Z", "", "FINISHED", "NEW", "P-1", "D-1", "", "C-1"),
        ("A-1", "2026-03-01T09:00:00Z", "2026-03-01T09:30:00Z", "FINISHED", "NEW", "P-1", "D-1", "DR-1", "C-1"),
        ("A-2", "2026-03-02T10:00:00Z", "2026-03-02T10:00:00Z", "FINISHED", "", "", "", "", ""),
        ("A-4", "2026-03-03T00:00:00Z", "2026-03-03T00:30:00Z", "BOOKED", "NEW", "P-2", "D-1", "DR-1", "C-CLOSED"),
    ],
    "activities": [("A-1", "ECG", 1), ("A-1", "ECG", 2)],
    "service_sessions": [
        ("S-1", "A-1", "B-VISIT", 1, "BILLED"),
        ("S-1", "A-1", "B-ECG", 1, "CANCELLED"),
    ],
    "service_configurations": [("NEW", "B-VISIT", "ALWAYS", ""), ("NEW", "B-ECG", "PERFORMED", "ECG")],
    "service_blocks": [
        ("B-VISIT", "Visit", "ACTIVE", "2020-01-01", "", "80.00", ""),
        ("B-ECG", "Electrocardiogram", "ACTIVE", "2020-01-01", "2026-03-01", "38.50", ""),
        ("B-OLD", "Retired", "RETIRED", "2020-01-01", "", "1.00", ""),
        ("B-LATER", "Not yet", "ACTIVE", "2026-03-02", "", "1.00", ""),
        ("B-WARD", "Inpatients only", "ACTIVE", "2020-01-01", "", "1.00", "INPATIENT"),
        ("B-ANY", "For two kinds of case", "ACTIVE", "2020-01-01", "", "1.00", "INPATIENT;OUTPATIENT"),
    ],
    "cost_centers": [("CC-1", "D-1", "true"), ("CC-2", "D-2", "false")],
    "responsible_physicians": [("D-1", "PH-1")],
    "cases": [("C-1", "P-1", "OUTPATIENT", "OPEN"), ("C-CLOSED", "P-2", "OUTPATIENT", "CLOSED")],
}
LISTING = """
query Listing($from: DateTime!, $to: DateTime!, $first: Int!, $after: String) {
  appointments(from: $from, to: $to, first: $first, after: $after) {
    nodes { id start end status typeCode patientId departmentId practitionerId caseId activities { code quantity } }
    endCursor
    hasNextPage
  }
}
"""
SESSIONS = (
    "query S($ids: [ID!]!) { serviceSessions(appointmentIds: $ids) { id services { blockCode quantity status } } }"
)
BY_KEY = "query K($key: String!) { serviceSessionByIdempotencyKey(key: $key) { id appointmentId } }"
COST_CENTER = "query C($id: ID!) { costCenter(departmentId: $id) { id active } }"
CREATE = """
mutation Create($input: CreateServiceSessionInput!) {
  createServiceSession(input: $input) {
    session { id appointmentId services { blockCode quantity status } }
    errors { code message blockCode }
  }
}
"""


def write_world(folder: Path, *, visits: int = 0) -> Path:
    """The tiny hospital's folder, with V-0, V-1 ... beside the appointments of TABLES."""
    more = [(f"V-{n}", "2026-04-01T09:00:00Z", "", "FINISHED", "NEW", "", "D-1", "", "C-1") for n in range(visits)]
    write_folder(folder, {**TABLES, "appointments": [*TABLES["appointments"], *more]})
    return folder


def session_input(key: str = "k-1", **changes: Any) -> dict[str, Any]:
    """A write that the tiny hospital accepts."""
    return {
        "idempotencyKey": key,
        "appointmentId": "A-3",
        "caseId": "C-1",
        "costCenterId": "CC-1",
        "physicianId": "PH-1",
        "services": [{"blockCode": "B-VISIT", "quantity": 1}],
        **changes,
    }


def services(*codes: str) -> list[dict[str, Any]]:
    """One of each block."""
    return [{"blockCode": code, "quantity": 1} for code in codes]


class Client:
    """Sends GraphQL and control orders; safe to share among threads."""

    def __init__(self, url: str, token: str = TOKEN) -> None:
        self._url = url
        self._http = httpx2.Client(headers={"Authorization": f"Bearer {token}"}, timeout=10, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        self._http.close()

    def post(self, query: str, **variables: Any) -> httpx2.Response:
        """The raw answer."""
        return self._http.post(self._url, json={"query": query, "variables": variables})

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The response object of an answer with status 200."""
        response = self.post(query, **variables)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def create(self, **given: Any) -> dict[str, Any]:
        """The payload of a write."""
        payload: dict[str, Any] = self.data(CREATE, input=session_input(**given))["createServiceSession"]
        return payload

    def refusals(self, **given: Any) -> list[tuple[str, str | None]]:
        """The (code, blockCode) of a write that must be refused whole."""
        payload = self.create(**given)
        assert payload["session"] is None
        return [(error["code"], error["blockCode"]) for error in payload["errors"]]

    def control(self, **orders: Any) -> httpx2.Response:
        """Send orders to /control."""
        return self._http.post(self._url.replace("/graphql", "/control"), json=orders)


def client_of(hospital: Hospital) -> Client:
    """A client with the right token."""
    return Client(hospital.url)
