"""Dismiss and reopen over the API."""

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.utils import timezone
from rest_framework.test import APIClient

from clinic.models import MissingService
from regions.models import Region
from tests.api.conftest import Caller, TokenClient, make_missing

pytestmark = pytest.mark.django_db


def resolve(client: APIClient, row: MissingService, body: Any) -> Any:
    return client.post(f"/api/v1/missing-services/{row.pk}/resolve/", body, format="json")


@pytest.mark.parametrize("role", ["finance", "operator"])
def test_a_row_is_dismissed_with_its_reason_and_its_end(role: str, north: Region, caller: Caller) -> None:
    row, client = make_missing(north), caller(role)
    until = (timezone.now() + timedelta(days=30)).date()
    response = resolve(client, row, {"resolution": "dismissed", "reason": "paid in cash", "until": until.isoformat()})
    assert response.status_code == 200, response.content
    assert response.json()["status"] == "dismissed"
    row.refresh_from_db()
    assert (row.status, row.dismissed_reason, row.dismissed_until) == ("dismissed", "paid in cash", until)
    assert row.dismissed_by == client.owner


def test_a_dismissal_without_an_end_is_for_good(north: Region, api: TokenClient) -> None:
    row = make_missing(north)
    assert resolve(api, row, {"resolution": "dismissed", "reason": "x", "until": None}).status_code == 200
    row.refresh_from_db()
    assert (row.status, row.dismissed_until) == ("dismissed", None)


def test_a_dismissed_row_is_reopened(north: Region, api: TokenClient) -> None:
    row = make_missing(north)
    resolve(api, row, {"resolution": "dismissed", "reason": "a mistake"})
    assert resolve(api, row, {"resolution": "open"}).json()["status"] == "open"


def test_a_row_that_is_closed_is_not_dismissed(north: Region, api: TokenClient) -> None:
    row = make_missing(north, status="closed")
    response = resolve(api, row, {"resolution": "dismissed", "reason": "late"})
    assert response.status_code == 409
    row.refresh_from_db()
    assert row.status == "closed"


def test_a_change_stands_in_the_audit_log_in_the_name_of_the_token_s_owner(north: Region, api: TokenClient) -> None:
    row = make_missing(north)
    resolve(api, row, {"resolution": "dismissed", "reason": "paid in cash"})
    entry = LogEntry.objects.filter(action=LogEntry.Action.UPDATE, object_id=row.pk).first()
    assert entry is not None
    assert entry.actor == api.owner


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "resolution"),
        ({"resolution": None}, "resolution"),
        ({"resolution": "fixed"}, "resolution"),
        ({"resolution": ["open"]}, "resolution"),
        ({"resolution": "open", "reason": "none is needed"}, "reason"),
        ({"resolution": "dismissed"}, "reason"),
        ({"resolution": "dismissed", "reason": "  "}, "reason"),
        ({"resolution": "dismissed", "reason": 5}, "reason"),
        ({"resolution": "dismissed", "reason": "x" * 201}, "reason"),
        ({"resolution": "dismissed", "reason": "x", "until": "tomorrow"}, "until"),
        ({"resolution": "dismissed", "reason": "x", "until": "20270101"}, "until"),
        ({"resolution": "dismissed", "reason": "x", "until": "2020-01-01"}, "until"),
        ([], "body"),
        (None, "resolution"),
        ("open", "body"),
    ],
    ids=str,
)
def test_a_body_that_is_not_understood_is_400_and_says_which_field(
    body: Any, field: str, north: Region, api: TokenClient
) -> None:
    row = make_missing(north)
    response = resolve(api, row, body)
    assert response.status_code == 400, response.content
    assert field in response.json()["error"]["fields"]
    row.refresh_from_db()
    assert row.status == "open"
