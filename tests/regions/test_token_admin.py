"""The tokens' page in the admin: made in one's own name, shown once, revoked, never deleted."""

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from regions.models import ApiToken, Region
from tests.factories import ApiTokenFactory, RegionFactory, SuperuserFactory, UserFactory

pytestmark = pytest.mark.django_db

ADD, LIST = "admin:regions_apitoken_add", "admin:regions_apitoken_changelist"


@pytest.fixture
def region() -> Region:
    return RegionFactory.create()


def filled(region: Region, **changes: Any) -> dict[str, Any]:
    day = timezone.now() + timedelta(days=30)
    data = {"name": "portal", "verbs": ["runs:read"], "regions": [region.pk]}
    return {**data, "expires_at_0": day.strftime("%Y-%m-%d"), "expires_at_1": "00:00:00", **changes}


def test_an_engineer_makes_a_token_in_their_own_name_and_sees_it_once(client: Client, region: Region) -> None:
    engineer = UserFactory.create(role="engineer", regions=[region])
    client.force_login(engineer)
    other = UserFactory.create(role="finance", regions=[region])
    made = client.post(reverse(ADD), filled(region, owner=other.pk))
    token = ApiToken.objects.get()
    text = made.context["token"].text
    assert token.owner == engineer
    assert ApiToken.objects.with_text(text).get() == token
    assert text in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    for page in (reverse(LIST), reverse("admin:regions_apitoken_change", args=[token.pk])):
        shown = client.get(page)
        assert shown.status_code == 200
        assert text not in shown.content.decode()


def test_the_page_refuses_a_token_beyond_its_owner(client: Client, region: Region) -> None:
    other = RegionFactory.create()
    client.force_login(UserFactory.create(role="engineer", regions=[region]))
    yesterday = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%d")
    refused: list[dict[str, Any]] = [
        {"regions": [other.pk]}, {"verbs": ["missing:resolve"]}, {"verbs": ["all"]}, {"expires_at_0": yesterday},
    ]  # fmt: skip
    for changes in refused:
        assert client.post(reverse(ADD), filled(region, **changes)).context["errors"]
    assert not ApiToken.objects.exists()


def test_a_superuser_makes_tokens_for_others_within_their_reach(client: Client, region: Region) -> None:
    client.force_login(SuperuserFactory.create())
    finance = UserFactory.create(role="finance", regions=[region])
    stranger = UserFactory.create(role="finance")
    assert client.post(reverse(ADD), filled(region, owner=stranger.pk)).context["errors"]
    client.post(reverse(ADD), filled(region, owner=finance.pk, verbs=["missing:resolve"]))
    assert ApiToken.objects.get().owner == finance


def test_a_revoked_token_stops_working_and_stays_in_the_list(client: Client, region: Region) -> None:
    engineer = UserFactory.create(role="engineer", regions=[region])
    token = ApiTokenFactory.create(owner=engineer, regions=[region])
    assert ApiToken.objects.usable().with_text(token.text).exists()
    client.force_login(engineer)
    client.post(reverse(LIST), {"action": "revoke", "_selected_action": [token.pk]})
    assert not ApiToken.objects.usable().with_text(token.text).exists()
    assert str(token.name) in client.get(reverse(LIST)).content.decode()
    assert LogEntry.objects.get_for_object(token).latest("pk").actor == engineer


def test_engineers_do_not_see_each_others_tokens_and_nobody_deletes_one(client: Client, region: Region) -> None:
    token = ApiTokenFactory.create(regions=[region])
    client.force_login(UserFactory.create(role="engineer", regions=[region]))
    assert client.get(reverse("admin:regions_apitoken_change", args=[token.pk])).status_code == 404
    client.post(reverse(LIST), {"action": "revoke", "_selected_action": [token.pk]})
    assert ApiToken.objects.get().revoked_at is None
    client.force_login(SuperuserFactory.create())
    assert client.post(reverse("admin:regions_apitoken_delete", args=[token.pk]), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "auditor"])
def test_other_roles_have_no_tokens_page(client: Client, region: Region, role: str) -> None:
    client.force_login(UserFactory.create(role=role, regions=[region]))
    assert client.get(reverse(LIST)).status_code == 403
    assert client.post(reverse(ADD), filled(region)).status_code == 403
