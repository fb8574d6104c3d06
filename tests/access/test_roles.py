"""Roles, verbs and regions: the table of product.md, "Access", as it is answered."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory

from backoffice.access import MASKED, ROLES, VERBS, mask, may_run, requires, scoped, shown
from regions.models import Region
from tests.factories import RegionFactory, SuperuserFactory, UserFactory

pytestmark = pytest.mark.django_db

TABLE = {
    "viewer": {"see"},
    "finance": {"see", "patient_data", "view_document_content", "resolve", "start_recovery", "export"},
    "operator": {"see", "patient_data", "view_document_content", "resolve", "start_recovery", "start_any"},
    "engineer": {"see", "start_recovery", "start_any", "configure", "queues"},
    "auditor": {"see", "patient_data", "export", "audit"},
}


@pytest.mark.parametrize("role", TABLE)
def test_a_role_has_the_verbs_of_the_table_and_no_other(role: str) -> None:
    user = UserFactory.create(role=role)
    assert {verb for verb in VERBS if user.has_perm(f"nightward.{verb}")} == TABLE[role]
    assert not user.has_perm("nightward.accounts")


def test_the_migrations_make_a_group_for_each_role() -> None:
    Group.objects.all().delete()
    migration = import_module("regions.migrations.0003_roles")
    migration.create(apps, SimpleNamespace(connection=connection))
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)


def test_two_roles_add_up() -> None:
    user = UserFactory.create(role="viewer")
    user.groups.add(Group.objects.get_or_create(name="auditor")[0])
    assert user.has_perm("nightward.audit")


def test_a_superuser_has_every_verb() -> None:
    user = SuperuserFactory.create()
    assert all(user.has_perm(f"nightward.{verb}") for verb in (*VERBS, "accounts"))


@pytest.mark.parametrize(
    "user", [UserFactory.create, lambda: UserFactory.create(role="engineer", is_active=False), AnonymousUser]
)
def test_without_a_role_or_an_active_account_there_is_no_verb(user: Any) -> None:
    assert not any(user().has_perm(f"nightward.{verb}") for verb in VERBS)


def test_a_group_that_is_no_role_gives_nothing() -> None:
    user = UserFactory.create(role="friends of the house")
    assert not any(user.has_perm(f"nightward.{verb}") for verb in VERBS)


@pytest.mark.parametrize(
    ("role", "start_verb", "preview", "allowed"),
    [
        ("finance", "start_recovery", False, True),
        ("finance", "start_any", False, False),
        ("finance", "start_any", True, True),
        ("operator", "start_any", False, True),
        ("operator", "start_recovery", False, True),
        ("engineer", "start_any", False, True),
        ("viewer", "start_recovery", True, False),
        ("auditor", "start_recovery", True, False),
    ],
)
def test_finance_starts_recovery_and_previews_only(role: str, start_verb: str, preview: bool, allowed: bool) -> None:
    assert may_run(UserFactory.create(role=role), start_verb, preview=preview) is allowed


def test_rows_are_those_of_the_users_regions() -> None:
    mine, other = RegionFactory.create(), RegionFactory.create()
    user = UserFactory.create(role="viewer", regions=[mine])
    assert list(scoped(Region.objects.all(), user, "")) == [mine]
    assert set(scoped(Region.objects.all(), SuperuserFactory.create(), "")) == {mine, other}


@pytest.mark.parametrize("user", [AnonymousUser, lambda: UserFactory.create(is_active=False, is_superuser=True)])
def test_who_cannot_sign_in_sees_no_region(user: Any) -> None:
    RegionFactory.create()
    assert not scoped(Region.objects.all(), user(), "").exists()


def test_a_masked_reference_tells_neither_digits_nor_length() -> None:
    assert mask("patient-1234567") == mask("p") == MASKED
    assert mask("") == ""
    assert shown(UserFactory.create(role="engineer"), "patient-1") == MASKED
    assert shown(UserFactory.create(role="finance"), "patient-1") == "patient-1"


@requires("export")
def _view(request: Any) -> HttpResponse:
    return HttpResponse("exported")


def answer(user: User | AnonymousUser) -> HttpResponse:
    request = RequestFactory().get("/x/?a=1")
    request.user = user
    response = _view(request)
    assert isinstance(response, HttpResponse)
    return response


def test_a_guarded_view_opens_for_its_role_only() -> None:
    assert answer(UserFactory.create(role="finance")).content == b"exported"
    for role in ("viewer", "operator", "engineer"):
        with pytest.raises(PermissionDenied):
            answer(UserFactory.create(role=role))


def test_a_guarded_view_sends_strangers_to_the_log_in_and_back() -> None:
    response = answer(AnonymousUser())
    assert response.status_code == 302
    assert response["Location"].endswith("?next=/x/%3Fa%3D1")


def test_a_role_without_the_staff_flag_opens_nothing() -> None:
    with pytest.raises(PermissionDenied):
        answer(UserFactory.create(role="finance", is_staff=False))
