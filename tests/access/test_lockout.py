"""Log-in is locked after repeated failures, for that name from that address, and opens again by itself."""

from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.factories import PASSWORD, SuperuserFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return UserFactory.create(role="viewer")


def status(client: Client, user: User, password: str, address: str = "192.0.2.1") -> int:
    data = {"username": user.get_username(), "password": password}
    return client.post(reverse("admin:login"), data, REMOTE_ADDR=address).status_code


def lock(client: Client, user: User) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        status(client, user, "wrong")


def test_after_five_failures_the_right_password_is_refused_too(client: Client, user: User) -> None:
    assert settings.AXES_FAILURE_LIMIT == 5
    lock(client, user)
    assert status(client, user, PASSWORD) == 429


def test_nobody_else_is_locked_out(client: Client, user: User) -> None:
    lock(client, user)
    assert status(Client(), user, PASSWORD, address="192.0.2.2") == 302
    assert status(Client(), UserFactory.create(role="viewer"), PASSWORD) == 302


def test_the_lock_opens_by_itself(client: Client, user: User) -> None:
    lock(client, user)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert status(client, user, PASSWORD) == 302


def test_a_success_forgets_the_failures_before_it(client: Client, user: User) -> None:
    for _ in range(3):
        for _ in range(settings.AXES_FAILURE_LIMIT - 1):
            status(Client(), user, "wrong")
        assert status(Client(), user, PASSWORD) == 302


def test_a_superuser_unlocks_by_deleting_the_row(client: Client, user: User) -> None:
    lock(client, user)
    admin = Client()
    admin.force_login(SuperuserFactory.create())
    row = AccessAttempt.objects.get()
    admin.post(reverse("admin:axes_accessattempt_delete", args=[row.pk]), {"post": "yes"})
    assert status(client, user, PASSWORD) == 302


def test_the_forged_address_of_a_client_does_not_make_it_another(client: Client, user: User) -> None:
    for number in range(settings.AXES_FAILURE_LIMIT):
        data = {"username": user.get_username(), "password": "wrong"}
        client.post(reverse("admin:login"), data, headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert status(client, user, PASSWORD, address="127.0.0.1") == 429
