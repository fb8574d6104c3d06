from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from backoffice.runs.models import Run
from clinic.models import MissingService
from regions.models import TOKEN_VERBS, ApiToken, Region
from tests.factories import ApiTokenFactory, RegionFactory
from tests.runs import conftest as runs

world = runs.world


class TokenClient(APIClient):
    """A client that sends `token`, whose text is `text`, in the name of `owner`."""

    token: ApiToken
    owner: User
    text: str


Caller = Callable[..., TokenClient]


@pytest.fixture
def north() -> Region:
    return RegionFactory.create(name="north")


@pytest.fixture
def south() -> Region:
    return RegionFactory.create(name="south", time_zone="Asia/Jakarta")


@pytest.fixture
def caller(north: Region) -> Caller:
    """A client that sends a token of the north, with every verb, of an owner who is an operator there."""

    def make(role: str = "operator", *, regions: Any = None, **fields: Any) -> TokenClient:
        regions = [north] if regions is None else regions
        client = TokenClient()
        client.token = ApiTokenFactory.create(
            **{"role": role, "regions": regions, "verbs": list(TOKEN_VERBS), **fields}
        )
        client.owner, client.text = client.token.owner, client.token.text
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {client.text}")
        return client

    return make


@pytest.fixture
def api(caller: Caller) -> TokenClient:
    return caller()


def make_run(region: Region, **fields: Any) -> Run:
    return Run.objects.create(
        **{
            "job": "recover_services",
            "key": region.name,
            "region": region,
            "status": "complete",
            "reason": "",
            **fields,
        }
    )


def make_missing(region: Region, **fields: Any) -> MissingService:
    defaults = {
        "appointment_id": f"A-{MissingService.objects.count()}", "start": datetime(2026, 3, 2, 15, tzinfo=UTC),
        "department_id": "D1", "patient_id": "P-1", "type_code": "CHECK", "status": "open", "outcome": "failed",
        "category": "master_data", "reasons": "no_cost_center", "missing": "B1x1", "at_stake": "100.00",
        "filing_deadline": date(2027, 3, 2), "priority": "100.00", "blocked_by": "cost_center:D1",
    }  # fmt: skip
    fields.setdefault("run", Run.objects.filter(region=region).first() or make_run(region))
    return MissingService.objects.create(region=region, **{**defaults, **fields})
