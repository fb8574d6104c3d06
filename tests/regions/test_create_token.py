"""create_token: prints a token once, and makes none that its owner could not use."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from regions.models import ApiToken, Region
from tests.factories import RegionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def region() -> Region:
    return RegionFactory.create()


def create(**options: Any) -> str:
    out = StringIO()
    lists = {name: value if isinstance(value, list) else [value] for name, value in options.items()}
    words = [f"--{name}={value}" for name, values in lists.items() for value in values]
    call_command("create_token", *words, stdout=out)
    return out.getvalue()


def test_create_token_prints_the_token_once_and_nothing_else(region: Region) -> None:
    owner = UserFactory.create(role="operator", regions=[region])
    text = create(user=owner.username, region=[region.name], verb=["runs:read", "runs:start"], days=7).strip()
    token = ApiToken.objects.usable().with_text(text).get()
    assert (token.owner, list(token.regions.all()), token.verbs) == (owner, [region], ["runs:read", "runs:start"])
    assert timedelta(days=6) < token.expires_at - timezone.now() <= timedelta(days=7)


def test_a_token_lives_ninety_days_unless_said_otherwise(region: Region) -> None:
    owner = UserFactory.create(role="operator", regions=[region])
    create(user=owner.username, region=[region.name], verb=["runs:read"])
    assert timedelta(days=89) < ApiToken.objects.get().expires_at - timezone.now() <= timedelta(days=90)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"user": "nobody"}, "No active user is called 'nobody'."),
        ({"region": ["nowhere"]}, "No region is called 'nowhere'"),
        ({"region": ["foreign"]}, "olga has no access to region foreign."),
        ({"verb": ["missing:resolve"]}, "The role of olga does not allow missing:resolve."),
        ({"verb": ["everything"]}, "invalid choice"),
        ({"days": 0}, "--days must lie between 1 and 366."),
        ({"days": 10_000}, "--days must lie between 1 and 366."),
    ],
)
def test_create_token_refuses_what_the_token_could_not_do(region: Region, changes: Any, says: str) -> None:
    RegionFactory.create(name="foreign")
    UserFactory.create(username="olga", role="viewer", regions=[region])
    options = {"user": "olga", "region": [region.name], "verb": ["runs:read"], **changes}
    with pytest.raises(CommandError, match=says) as caught:
        create(**options)
    assert "invalid choice" in str(caught.value) or caught.value.returncode == 2
    assert not ApiToken.objects.exists()
