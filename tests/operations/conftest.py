"""Clients of each role, and what they may not open."""

from collections.abc import Callable

import pytest
from django.test import Client

from regions.models import Region
from tests.factories import RegionFactory, UserFactory

SignIn = Callable[..., Client]


@pytest.fixture
def north(db: None) -> Region:
    region: Region = RegionFactory.create(name="north", display_name="North")
    return region


@pytest.fixture
def sign_in(north: Region) -> SignIn:
    def signed_in(role: str, *, name: str = "") -> Client:
        client = Client()
        client.force_login(UserFactory.create(role=role, regions=[north], **({"username": name} if name else {})))
        return client

    return signed_in
