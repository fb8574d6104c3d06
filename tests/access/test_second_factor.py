"""The second factor: enrolled on one page, asked of whoever has it, and of everybody where REQUIRE_TOTP is set."""

import re
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.factories import PASSWORD, RegionFactory, UserFactory

pytestmark = pytest.mark.django_db

REGIONS = "admin:regions_region_changelist"


@pytest.fixture
def user() -> User:
    return UserFactory.create(role="viewer", regions=[RegionFactory.create()])


@pytest.fixture
def required(settings: Any) -> None:
    settings.REQUIRE_TOTP = True


def sign_in(client: Client, user: User) -> Any:
    data = {"username": user.get_username(), "password": PASSWORD, "next": reverse(REGIONS)}
    return client.post(reverse("admin:login"), data, follow=True)


def code(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key, device.step, device.t0, device.digits, device.drift):06d}"


def enrolled(user: User) -> TOTPDevice:
    device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
    assert isinstance(device, TOTPDevice)
    return device


def test_without_the_setting_a_password_is_enough(client: Client, user: User) -> None:
    assert sign_in(client, user).redirect_chain[-1][0] == reverse(REGIONS)


@pytest.mark.usefixtures("required")
def test_where_it_is_required_the_first_sign_in_enrols(client: Client, user: User) -> None:
    page = sign_in(client, user)
    assert page.request["PATH_INFO"] == reverse("admin:second_factor")
    assert b"data:image/svg+xml;base64," in page.content
    assert client.get(reverse(REGIONS)).status_code == 302
    (device,) = TOTPDevice.objects.filter(user=user)
    assert not device.confirmed
    after = client.post(page.request["PATH_INFO"], {"code": code(device), "next": reverse(REGIONS)})
    assert after["Location"] == reverse(REGIONS)
    assert client.get(reverse(REGIONS)).status_code == 200
    device.refresh_from_db()
    assert device.confirmed
    assert device.key not in client.get(reverse("admin:second_factor")).content.decode()


def test_who_has_enrolled_is_always_asked(client: Client, user: User) -> None:
    device = enrolled(user)
    page = sign_in(client, user)
    assert page.request["PATH_INFO"] == reverse("admin:second_factor")
    assert b"svg" not in page.content.split(b"second-factor-title")[1]
    client.post(page.request["PATH_INFO"], {"code": code(device)})
    assert client.get(reverse(REGIONS)).status_code == 200


@pytest.mark.parametrize("wrong", ["", "000000", "abcdef", "12345678901234567890"])
def test_a_wrong_code_opens_nothing(client: Client, user: User, wrong: str) -> None:
    enrolled(user)
    client.force_login(user)
    page = client.post(reverse("admin:second_factor"), {"code": wrong})
    assert b"does not fit" in page.content
    assert client.get(reverse(REGIONS)).status_code == 302


def test_after_a_wrong_code_even_the_right_one_has_to_wait(client: Client, user: User) -> None:
    device = enrolled(user)
    client.force_login(user)
    with time_machine.travel(timezone.now(), tick=False):  # a slow machine has waited meanwhile
        for number in range(4):
            client.post(reverse("admin:second_factor"), {"code": f"00000{number}"})
        client.post(reverse("admin:second_factor"), {"code": code(device)})
    assert client.get(reverse(REGIONS)).status_code == 302


def test_a_code_is_good_for_one_sign_in(user: User) -> None:
    device = enrolled(user)
    used = code(device)
    for expected in (200, 302):
        client = Client()
        client.force_login(user)
        client.post(reverse("admin:second_factor"), {"code": used})
        assert client.get(reverse(REGIONS)).status_code == expected


def test_another_users_code_does_not_fit(client: Client, user: User) -> None:
    enrolled(user)
    other = enrolled(UserFactory.create(role="viewer"))
    client.force_login(user)
    assert b"does not fit" in client.post(reverse("admin:second_factor"), {"code": code(other)}).content


def test_who_has_enrolled_cannot_enrol_again_by_the_password_alone(client: Client, user: User) -> None:
    enrolled(user)
    client.force_login(user)
    page = client.get(reverse("admin:second_factor"))
    assert not re.search(rb'id="totp-secret"', page.content)
    assert TOTPDevice.objects.filter(user=user).count() == 1


def test_the_page_leads_nowhere_else(client: Client, user: User) -> None:
    device = enrolled(user)
    client.force_login(user)
    after = client.post(reverse("admin:second_factor"), {"code": code(device), "next": "https://example.org/"})
    assert after["Location"] == reverse("admin:index")


def test_strangers_and_outsiders_are_sent_to_the_log_in(client: Client) -> None:
    assert client.get(reverse("admin:second_factor"))["Location"].startswith(reverse("admin:login"))
    client.force_login(UserFactory.create(is_staff=False))
    assert client.get(reverse("admin:second_factor"))["Location"].startswith(reverse("admin:login"))
    assert not TOTPDevice.objects.exists()


def test_the_account_menu_leads_to_it_and_it_leads_back(client: Client, user: User) -> None:
    sign_in(client, user)
    address = reverse("admin:second_factor")
    assert f'href="{address}"' in client.get(reverse("admin:index")).content.decode()
    page = client.get(address).content.decode()
    assert f'href="{reverse("admin:index")}">Back to the admin, without one</a>' in page


def test_there_is_no_way_back_before_it_was_given(client: Client, user: User) -> None:
    enrolled(user)
    page = sign_in(client, user)
    assert page.request["PATH_INFO"] == reverse("admin:second_factor")
    assert "Back to the admin" not in page.content.decode()


def test_who_has_given_it_is_led_back(client: Client, user: User) -> None:
    device = enrolled(user)
    page = sign_in(client, user)
    client.post(page.request["PATH_INFO"], {"code": code(device)})
    assert ">Back to the admin</a>" in client.get(reverse("admin:second_factor")).content.decode()
