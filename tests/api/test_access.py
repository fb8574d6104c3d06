"""Who may call what: without a token, with one that has ended, lacks the verb or the region, or the owner's role."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from backoffice.runs.models import Run
from claims.models import Night
from clinic.models import MissingService
from regions.models import TOKEN_VERBS, Region
from tests.admin.billing_world import make_batch, make_claim
from tests.api.conftest import Caller, TokenClient, make_missing, make_run

pytestmark = pytest.mark.django_db

START = {"job": "recover_services", "region": "south", "parameters": {"days": 7}}
# Method, path, verb, body; {run}, {missing}, {night}, {batch}, {document} and {claim} are of the south.
ENDPOINTS = [
    ("get", "/api/v1/runs/", "runs:read", None),
    ("post", "/api/v1/runs/", "runs:start", START),
    ("get", "/api/v1/runs/{run}/", "runs:read", None),
    ("get", "/api/v1/runs/{run}/failures/", "runs:read", None),
    ("post", "/api/v1/runs/{run}/stop/", "runs:stop", None),
    ("post", "/api/v1/runs/{run}/restart/", "runs:start", None),
    ("get", "/api/v1/missing-services/", "missing:read", None),
    ("get", "/api/v1/missing-services/{missing}/", "missing:read", None),
    ("post", "/api/v1/missing-services/{missing}/resolve/", "missing:resolve", {"resolution": "open"}),
    ("get", "/api/v1/batches/", "claims:read", None),
    ("get", "/api/v1/batches/{batch}/", "claims:read", None),
    ("get", "/api/v1/claims/", "claims:read", None),
    ("get", "/api/v1/claims/{claim}/", "claims:read", None),
    ("get", "/api/v1/documents/", "claims:read", None),
    ("get", "/api/v1/documents/{document}/", "claims:read", None),
    ("get", "/api/v1/nights/", "claims:read", None),
    ("get", "/api/v1/nights/{night}/", "claims:read", None),
    ("post", "/api/v1/accumulators/search/", "claims:read", {"region": "south", "member_id": "M-1"}),
]
endpoints = pytest.mark.parametrize(("method", "path", "verb", "body"), ENDPOINTS, ids=lambda value: str(value)[:40])


@pytest.fixture
def address(south: Region) -> dict[str, int]:
    run, missing = make_run(south), make_missing(south)
    night = Night.objects.create(region=south, run_date=date(2026, 3, 2), chain=run.chain, partitions=1)
    batch, claim = make_batch(south, 1), make_claim(south, 1)
    return {
        "run": run.pk, "missing": missing.pk, "night": night.pk, "batch": batch.pk, "document": batch.document_id,
        "claim": claim.pk,
    }  # fmt: skip


def call(client: APIClient, method: str, path: str, address: dict[str, int], body: Any) -> Any:
    return getattr(client, method)(path.format(**address), body, format="json")


def assert_error(response: Any, status: int, code: str) -> None:
    assert response.status_code == status, response.content
    assert set(response.json()) == {"error"}
    assert response.json()["error"]["code"] == code
    assert response.json()["error"]["message"]


@endpoints
def test_without_a_token_nothing_is_answered(
    method: str, path: str, verb: str, body: Any, address: dict[str, int]
) -> None:
    response = call(APIClient(), method, path, address, body)
    assert_error(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


@endpoints
def test_a_token_that_has_ended_is_refused(
    method: str, path: str, verb: str, body: Any, address: dict[str, int], south: Region, caller: Caller
) -> None:
    ended = caller(regions=[south], expires_at=timezone.now() - timedelta(seconds=1))
    assert_error(call(ended, method, path, address, body), 401, "authentication_failed")


@endpoints
def test_a_token_that_was_revoked_is_refused(
    method: str, path: str, verb: str, body: Any, address: dict[str, int], south: Region, caller: Caller
) -> None:
    client = caller(regions=[south])
    client.token.revoked_at = timezone.now()
    client.token.save()
    assert_error(call(client, method, path, address, body), 401, "authentication_failed")


@endpoints
def test_every_other_verb_does_not_help(
    method: str, path: str, verb: str, body: Any, address: dict[str, int], south: Region, caller: Caller
) -> None:
    others = caller(regions=[south], verbs=set(TOKEN_VERBS) - {verb})
    assert_error(call(others, method, path, address, body), 403, "permission_denied")


@endpoints
def test_what_another_region_has_is_not_there(
    method: str, path: str, verb: str, body: Any, address: dict[str, int], api: TokenClient
) -> None:
    response = call(api, method, path, address, body)
    if path.endswith("s/") and method == "get" and "{" not in path:
        assert response.json() == {"next": None, "results": []}
    else:
        assert_error(response, 404, "not_found")
    assert "A-0" not in response.content.decode()


@endpoints
def test_a_region_that_the_owner_lost_is_not_there_any_more(
    method: str, path: str, verb: str, body: Any, address: dict[str, int], south: Region, caller: Caller
) -> None:
    client = caller(regions=[south])
    client.owner.regions.clear()
    response = call(client, method, path, address, body)
    assert response.status_code == 404 or response.json() == {"next": None, "results": []}


@pytest.mark.parametrize("region", ["south", "nowhere"])
@pytest.mark.parametrize("name", ["runs", "missing-services", "nights", "claims", "batches", "documents"])
def test_a_list_does_not_tell_whether_another_region_exists(
    name: str, region: str, address: dict[str, int], api: TokenClient
) -> None:
    assert_error(api.get(f"/api/v1/{name}/", {"region": region}), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "verb", "body"),
    [row for row in ENDPOINTS if row[0] == "post"],
    ids=lambda value: str(value)[:40],
)
def test_a_token_cannot_do_what_its_owner_cannot(
    method: str, path: str, verb: str, body: Any, address: dict[str, int], south: Region, caller: Caller
) -> None:
    assert_error(call(caller("viewer", regions=[south]), method, path, address, body), 403, "permission_denied")
    assert not Run.objects.exclude(pk=address["run"]).exists()
    assert MissingService.objects.get().status == "open"


def test_finance_cannot_start_a_job_that_writes_for_operators_only(
    world: object, north: Region, caller: Caller
) -> None:
    body = {"job": "toy", "region": "north", "parameters": {}}
    assert_error(caller("finance").post("/api/v1/runs/", body, format="json"), 403, "permission_denied")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", sorted({path for _, path, *_ in ENDPOINTS}))
def test_methods_that_are_not_offered_are_405(
    method: str, path: str, address: dict[str, int], south: Region, caller: Caller
) -> None:
    response = call(caller(regions=[south]), method, path, address, None)
    assert_error(response, 405, "method_not_allowed")
    assert response["Allow"]
