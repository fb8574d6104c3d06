"""The API's tokens: hashed, expiring, bounded to regions, verbs, rate and to what their owner may."""

from datetime import timedelta
from typing import Any

import pytest
from auditlog.context import set_extra_data
from auditlog.models import LogEntry
from django.utils import timezone
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.viewsets import ViewSet

from backoffice.rest.views import of_token
from regions import tokens
from regions.models import TOKEN_VERBS, ApiToken, Region
from regions.tokens import TokenAllowsVerb, TokenAuthentication, TokenThrottle
from tests.factories import ApiTokenFactory, RegionFactory, SuperuserFactory, UserFactory, bearer

pytestmark = pytest.mark.django_db


class Tried(ViewSet):
    """An endpoint that tells which regions a call has."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (TokenAllowsVerb,)
    throttle_classes = (TokenThrottle,)
    required_verbs = {"list": "runs:read", "create": "runs:start", "resolve": "missing:resolve"}

    def list(self, request: Request) -> Response:
        return Response(sorted(region.name for region in of_token(Region.objects.all(), request, path="")))

    def create(self, request: Request) -> Response:
        Region.objects.get().save()
        return Response("started")

    def resolve(self, request: Request) -> Response:
        return Response("resolved")

    def forgotten(self, request: Request) -> Response:
        return Response("nobody said who may")


def call(token: ApiToken | None, action: str = "list", method: str = "get", **headers: str) -> Response:
    request = getattr(APIRequestFactory(), method)("/tried/", headers=headers or (bearer(token) if token else {}))
    response = Tried.as_view({method: action} if method != "delete" else {"get": action})(request)
    assert isinstance(response, Response)
    return response


@pytest.fixture
def region() -> Region:
    return RegionFactory.create()


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Calls by window, counted here instead of in Redis."""
    calls: dict[str, int] = {}

    def count(key: str, seconds: int) -> int:
        calls[key] = calls.get(key, 0) + 1
        return calls[key]

    monkeypatch.setattr(tokens, "count_call", count)
    return calls


def test_only_a_hash_of_a_token_is_kept(region: Region) -> None:
    token = ApiTokenFactory.create(regions=[region])
    assert token.text.startswith("nw_")
    assert len(token.text) > 40
    stored = ApiToken.objects.get()
    assert token.text not in repr(vars(stored))
    assert stored.text == ""
    assert token.text not in str(stored)


def test_a_token_sees_its_regions(region: Region) -> None:
    RegionFactory.create()
    assert call(ApiTokenFactory.create(regions=[region])).data == [region.name]


def test_a_token_never_sees_more_than_its_owner_does_now(region: Region) -> None:
    other = RegionFactory.create()
    token = ApiTokenFactory.create(regions=[region, other])
    token.owner.regions.remove(other)
    assert call(token).data == [region.name]


def test_the_token_of_a_superuser_is_bounded_by_its_own_regions(region: Region) -> None:
    RegionFactory.create()
    assert call(ApiTokenFactory.create(owner=SuperuserFactory.create(), regions=[region])).data == [region.name]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer nw_unknown", "Bearer a b", "Token nw_unknown", "Basic dTpw", "Bearer ä", "Bearer nw_\x7f"],
)
def test_whatever_else_the_header_says_is_401(region: Region, header: str) -> None:
    response = call(None, Authorization=header)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="Nightward"'


def test_the_word_bearer_may_be_spelled_as_it_likes(region: Region) -> None:
    token = ApiTokenFactory.create(regions=[region])
    assert call(None, Authorization=f"bearer {token.text}").status_code == 200


def test_expired_revoked_and_disabled_tokens_are_401_and_told_apart_by_nothing(region: Region) -> None:
    now = timezone.now()
    refused = [
        ApiTokenFactory.create(regions=[region], expires_at=now - timedelta(seconds=1)),
        ApiTokenFactory.create(regions=[region], revoked_at=now),
        ApiTokenFactory.create(regions=[region], owner=UserFactory.create(role="operator", is_active=False)),
    ]
    answers = [call(token) for token in refused]
    assert {answer.status_code for answer in answers} == {401}
    assert len({str(answer.data) for answer in [*answers, call(None, Authorization="Bearer nw_x")]}) == 1


def test_a_token_does_what_its_verbs_say_and_nothing_else(region: Region) -> None:
    token = ApiTokenFactory.create(regions=[region], verbs=["runs:start"])
    assert call(token, "create", "post").status_code == 200
    refused = call(token)
    assert refused.status_code == 403
    assert "runs:read" in str(refused.data)


def test_what_no_table_names_is_refused(region: Region) -> None:
    token = ApiTokenFactory.create(regions=[region], verbs=list(TOKEN_VERBS), owner=SuperuserFactory.create())
    assert call(token, "forgotten", "post").status_code == 403


def test_an_unknown_method_is_405_for_who_may_call_at_all(region: Region) -> None:
    assert call(ApiTokenFactory.create(regions=[region]), method="delete").status_code == 405
    assert call(None, method="delete").status_code == 401


@pytest.mark.parametrize(("role", "status"), [("finance", 200), ("operator", 200), ("viewer", 403), (None, 403)])
def test_a_token_does_nothing_that_its_owners_role_may_not(region: Region, role: str | None, status: int) -> None:
    token = ApiTokenFactory.create(regions=[region], verbs=["missing:resolve"], role=role)
    assert call(token, "resolve", "post").status_code == status


def test_the_last_use_is_noted_once_a_minute(region: Region, django_assert_num_queries: Any) -> None:
    token = ApiTokenFactory.create(regions=[region])
    call(token)
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    call(token)
    assert ApiToken.objects.get().last_used_at == noted


def test_the_audit_log_names_the_owner_of_the_token(region: Region) -> None:
    token = ApiTokenFactory.create(regions=[region], verbs=["runs:start"])
    with set_extra_data({"actor": None, "remote_addr": "192.0.2.1"}):  # as the middleware does for a request
        region.display_name = "Changed"
        Region.objects.filter(pk=region.pk).update(display_name="Other")
        call(token, "create", "post")
        Region.objects.get().delete()
    assert LogEntry.objects.latest("pk").actor == token.owner


# How often


@pytest.fixture
def three_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "api_settings", type("Rates", (), {"DEFAULT_THROTTLE_RATES": {"token": "3/min"}}))


@pytest.mark.usefixtures("three_a_minute")
def test_a_token_that_calls_too_often_is_told_to_wait(region: Region) -> None:
    token, other = ApiTokenFactory.create(regions=[region]), ApiTokenFactory.create(regions=[region])
    assert [call(token).status_code for _ in range(3)] == [200, 200, 200]
    refused = call(token)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert call(other).status_code == 200


def test_calls_pass_while_nobody_can_count_them(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(key: str, seconds: int) -> int:
        raise RedisError

    monkeypatch.setattr(tokens, "count_call", unreachable)
    assert call(ApiTokenFactory.create(regions=[region])).status_code == 200


def test_calls_are_counted_in_redis_for_all_processes(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert [tokens.count_call("some-window", 60) for _ in range(3)] == [1, 2, 3]
    assert 0 < queue.ttl("some-window") <= 61
