"""A new SECRET_KEY signs nobody out while the earlier one is among the fallbacks."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("fallbacks", "status"), [(["the earlier one"], 200), ([], 302)])
def test_a_session_outlives_its_key_where_that_is_kept(settings: Any, fallbacks: list[str], status: int) -> None:
    settings.SECRET_KEY = "the earlier one"
    client = Client()
    client.force_login(UserFactory.create(role="viewer"))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new one", fallbacks
    assert client.get(reverse("admin:index")).status_code == status
