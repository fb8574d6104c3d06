"""A region's page in the admin: engineers change it, secrets go in and never come out."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from pytest_httpserver import HTTPServer

from regions.models import Region
from tests.factories import RegionFactory, SuperuserFactory, UserFactory

TOKEN = "s3cret-of-the-hospital"
URL = "https://hospital.example.org/graphql"
LIST = "admin:regions_region_changelist"

pytestmark = pytest.mark.django_db


@pytest.fixture
def region() -> Region:
    return RegionFactory.create(
        env_vars={"HOSPITAL_GRAPHQL_URL": URL, "HOSPITAL_API_TOKEN": TOKEN},
        env_sources={"HOSPITAL_API_TOKEN": "PBG_TOKEN"},
    )


@pytest.fixture
def engineer(region: Region, client: Client) -> Client:
    client.force_login(UserFactory.create(role="engineer", regions=[region]))
    return client


def page(region: Region) -> str:
    return reverse("admin:regions_region_change", args=[region.pk])


def filled(region: Region, **changes: Any) -> dict[str, Any]:
    """The form as it is shown, with changes."""
    return {
        "display_name": region.display_name,
        "time_zone": region.time_zone,
        "country": region.country,
        "pace": "{}",
        "concurrency_per_run": 8,
        "filing_days": 365,
        "collection_percent": "100.00",
        "deployment": "{}",
        "staff": list(region.staff.values_list("pk", flat=True)),
        "env_HOSPITAL_GRAPHQL_URL": URL,
        **changes,
    }


def said(response: Any) -> list[str]:
    """The messages, first to last."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_a_secret_is_never_shown_again(engineer: Client, region: Region) -> None:
    shown = engineer.get(page(region)).content.decode()
    assert URL in shown
    assert "A value is stored. Leave this empty to keep it." in shown
    assert TOKEN not in shown


def test_a_secret_that_is_left_empty_is_kept(engineer: Client, region: Region) -> None:
    assert engineer.post(page(region), filled(region, display_name="New name")).status_code == 302
    region.refresh_from_db()
    assert region.display_name == "New name"
    assert region.env_vars == {"HOSPITAL_GRAPHQL_URL": URL, "HOSPITAL_API_TOKEN": TOKEN}
    assert region.env_sources == {"HOSPITAL_API_TOKEN": "PBG_TOKEN"}


def test_a_new_secret_replaces_the_old_one_and_its_source(engineer: Client, region: Region) -> None:
    engineer.post(page(region), filled(region, env_HOSPITAL_API_TOKEN="new-token"))
    region.refresh_from_db()
    assert region.env_vars["HOSPITAL_API_TOKEN"] == "new-token"
    assert region.env_sources == {}


def test_a_secret_is_removed_by_a_tick_and_a_plain_value_by_emptying_it(engineer: Client, region: Region) -> None:
    data = filled(region, remove_secrets=["HOSPITAL_API_TOKEN"], env_HOSPITAL_GRAPHQL_URL="")
    assert engineer.post(page(region), data).status_code == 302
    region.refresh_from_db()
    assert region.env_vars == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("env_HOSPITAL_GRAPHQL_URL", "http://hospital.example.org/graphql"),
        ("env_HOSPITAL_API_TOKEN", "two\nlines"),
        ("time_zone", "Mars/Olympus"),
        ("country", "Indonesia"),
        ("pace", '{"hospitals": 5}'),
        ("pace", "[]"),
        ("deployment", '{"colour": "red"}'),
        ("deployment", '{"memory": 256}'),
        ("concurrency_per_run", "0"),
        ("filing_days", "-1"),
        ("collection_percent", "100.01"),
    ],
)
def test_the_form_refuses_what_a_file_may_not_say(engineer: Client, region: Region, field: str, value: str) -> None:
    response = engineer.post(page(region), filled(region, **{field: value}))
    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors
    before = Region.objects.get()
    assert (before.time_zone, before.env_vars["HOSPITAL_API_TOKEN"]) == (region.time_zone, TOKEN)


def test_connections_are_checked_from_the_page(engineer: Client, region: Region, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/graphql", headers={"Authorization": f"Bearer {TOKEN}"}).respond_with_json(
        {"data": {"serviceConfiguration": None}}
    )
    pressed = {"regions_region_check_connections": ""}
    address = httpserver.url_for("/graphql")
    here = {"env_HOSPITAL_GRAPHQL_URL": address, "env_HOSPITAL_API_TOKEN": TOKEN, **pressed}
    assert said(engineer.post(page(region), filled(region, **here)))[-1] == "Hospital: works."
    wrong = {**here, "env_HOSPITAL_API_TOKEN": "another"}
    answer = said(engineer.post(page(region), filled(region, **wrong)))[-1]
    assert answer.startswith("Hospital: ")
    assert "works" not in answer
    none = {"env_HOSPITAL_GRAPHQL_URL": "", **pressed}
    assert said(engineer.post(page(region), filled(region, **none)))[-1].startswith("There is no connection to check")
    assert "regions_region_check_connections" in engineer.get(page(region)).content.decode()


def test_a_stored_secret_is_not_sent_to_another_address(engineer: Client, region: Region) -> None:
    elsewhere = {"env_HOSPITAL_GRAPHQL_URL": "https://elsewhere.example.org/graphql"}
    assert "Give it again" in engineer.post(page(region), filled(region, **elsewhere)).content.decode()
    region.refresh_from_db()
    assert region.env_vars["HOSPITAL_GRAPHQL_URL"] == URL
    engineer.post(page(region), filled(region, env_HOSPITAL_GRAPHQL_URL=""))
    assert "Give it again" in engineer.post(page(region), filled(region, **elsewhere)).content.decode()
    engineer.post(page(region), filled(region, **elsewhere, env_HOSPITAL_API_TOKEN="another"))
    region.refresh_from_db()
    assert region.env_vars["HOSPITAL_API_TOKEN"] == "another"


@pytest.mark.parametrize("address", [URL.replace("graphql", "v2/graphql"), URL.upper().replace("GRAPHQL", "graphql")])
def test_another_path_of_the_same_server_keeps_the_secret(engineer: Client, region: Region, address: str) -> None:
    engineer.post(page(region), filled(region, env_HOSPITAL_GRAPHQL_URL=address))
    region.refresh_from_db()
    assert region.env_vars == {"HOSPITAL_GRAPHQL_URL": address, "HOSPITAL_API_TOKEN": TOKEN}


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "auditor"])
def test_who_may_not_configure_cannot_make_us_call(client: Client, httpserver: HTTPServer, role: str) -> None:
    region = RegionFactory.create(env_vars={"HOSPITAL_GRAPHQL_URL": httpserver.url_for("/graphql")})
    client.force_login(UserFactory.create(role=role, regions=[region]))
    client.post(page(region), filled(region, regions_region_check_connections=""))
    assert httpserver.log == []


def test_a_name_never_changes(engineer: Client, region: Region) -> None:
    engineer.post(page(region), filled(region, name="renamed"))
    assert Region.objects.get().name == region.name


def test_an_engineer_who_adds_a_region_can_open_it(engineer: Client, region: Region) -> None:
    data = filled(region, name="lombok-barat", env_HOSPITAL_API_TOKEN=TOKEN, staff=[])
    assert engineer.post(reverse("admin:regions_region_add"), data).status_code == 302
    added = Region.objects.get(name="lombok-barat")
    assert engineer.get(page(added)).status_code == 200
    assert added.env_vars["HOSPITAL_API_TOKEN"] == TOKEN


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "auditor"])
def test_other_roles_read_the_settings_and_change_nothing(client: Client, region: Region, role: str) -> None:
    client.force_login(UserFactory.create(role=role, regions=[region]))
    shown = client.get(page(region)).content.decode()
    assert URL in shown
    assert "HOSPITAL_API_TOKEN: stored" in shown
    assert TOKEN not in shown
    assert client.post(page(region), filled(region, paused="on")).status_code == 403
    assert client.get(reverse("admin:regions_region_add")).status_code == 403
    assert not Region.objects.get().paused


def test_another_region_is_not_there(engineer: Client) -> None:
    other = RegionFactory.create()
    assert engineer.get(page(other)).status_code == 404
    assert engineer.post(page(other), filled(other, paused="on")).status_code == 404
    assert other.name not in engineer.get(reverse(LIST)).content.decode()


def test_no_region_can_be_deleted(client: Client, region: Region) -> None:
    client.force_login(SuperuserFactory.create())
    assert client.post(reverse("admin:regions_region_delete", args=[region.pk]), {"post": "yes"}).status_code == 403
    assert b"delete_selected" not in client.get(reverse(LIST)).content


def test_a_region_whose_key_is_lost_can_still_be_opened_and_given_new_secrets(
    engineer: Client, region: Region, settings: Any
) -> None:
    settings.FIELD_KEYS = ["Aw" * 21 + "A="]
    assert engineer.get(page(region)).status_code == 200
    engineer.post(page(region), filled(region, env_HOSPITAL_API_TOKEN="new-token"))
    assert Region.objects.get().env_vars == {"HOSPITAL_GRAPHQL_URL": URL, "HOSPITAL_API_TOKEN": "new-token"}


# Accounts


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "engineer", "auditor"])
def test_no_role_manages_accounts(client: Client, region: Region, role: str) -> None:
    user = UserFactory.create(role=role, regions=[region])
    client.force_login(user)
    for name in ("auth_user", "auth_group", "otp_totp_totpdevice", "axes_accessattempt"):
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 403
    assert client.get(reverse("admin:auth_user_change", args=[user.pk])).status_code == 403
    assert client.post(reverse("admin:auth_user_add"), {"username": "x"}).status_code == 403


def test_a_superuser_gives_a_user_a_role_and_regions(client: Client, region: Region) -> None:
    client.force_login(SuperuserFactory.create())
    user = UserFactory.create(role="viewer")
    address = reverse("admin:auth_user_change", args=[user.pk])
    assert client.get(address).status_code == 200
    group = user.groups.get()
    data = {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "groups": [group.pk],
        "regions": [region.pk],
    }
    assert client.post(address, data).status_code == 302
    assert list(User.objects.get(pk=user.pk).regions.all()) == [region]


def test_a_superuser_adds_users_and_deletes_none(client: Client) -> None:
    client.force_login(SuperuserFactory.create())
    password = "a rather long pass phrase"
    data = {"username": "nina", "usable_password": "true", "password1": password, "password2": password}
    assert client.post(reverse("admin:auth_user_add"), data).status_code == 302
    added = User.objects.get(username="nina")
    assert added.check_password(password)
    assert client.post(reverse("admin:auth_user_delete", args=[added.pk]), {"post": "yes"}).status_code == 403
