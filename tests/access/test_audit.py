"""What the audit log says: who saw and changed what, from where; and what never stands in it."""

from typing import Any

import pytest
from auditlog.context import set_actor
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from backoffice import audit
from backoffice.audited import TRACKED
from backoffice.proxy import networks
from regions.models import Region
from tests.factories import PASSWORD, ApiTokenFactory, RegionFactory, SuperuserFactory, UserFactory

pytestmark = pytest.mark.django_db

ENTRIES = "admin:auditlog_logentry_changelist"
SECRET = "s3cret-of-the-hospital"


def entries(instance: Any) -> list[LogEntry]:
    return list(LogEntry.objects.get_for_object(instance).order_by("pk"))


def everything() -> str:
    rows = LogEntry.objects.values_list("object_repr", "changes", "changes_text", "additional_data", "serialized_data")
    return repr(list(rows))


def test_a_change_names_its_user_its_address_and_its_region(client: Client) -> None:
    region = RegionFactory.create()
    engineer = UserFactory.create(role="engineer", regions=[region])
    client.force_login(engineer)
    form = client.get(reverse("admin:regions_region_change", args=[region.pk])).context["adminform"].form
    data = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    data |= {"paused": "on", "pace": "{}", "deployment": "{}", "env_HOSPITAL_API_TOKEN": SECRET}
    response = client.post(reverse("admin:regions_region_change", args=[region.pk]), data, REMOTE_ADDR="192.0.2.7")
    assert response.status_code == 302
    changed, secret = entries(region)[-2:]
    assert changed.changes == {"paused": ["False", "True"]}
    assert (changed.actor, changed.remote_addr) == (engineer, "192.0.2.7")
    assert changed.cid == response["X-Correlation-ID"]
    assert changed.additional_data == {"region": region.pk}
    assert secret.changes == {"env_vars.HOSPITAL_API_TOKEN": ["(hidden)", "(hidden)"]}
    assert SECRET not in everything()


def test_neither_passwords_nor_tokens_nor_their_hashes_stand_in_it() -> None:
    user = UserFactory.create()
    user.set_password("another " + PASSWORD)
    user.save()
    token = ApiTokenFactory.create(regions=[RegionFactory.create(env_vars={"HOSPITAL_API_TOKEN": SECRET})])
    assert entries(user)[-1].changes == {"password": ["(hidden)", "(hidden)"]}
    for secret in (user.password, token.text, token.digest, SECRET):
        assert secret not in everything()


def test_who_was_given_a_role_or_a_region_is_recorded() -> None:
    region = RegionFactory.create()
    user = UserFactory.create(role="finance", regions=[region])
    changes = [entry.changes for entry in entries(user)]
    assert {"groups": {"type": "m2m", "operation": "add", "objects": ["finance"]}} in changes
    assert {"staff": {"type": "m2m", "operation": "add", "objects": [region.name]}} in changes


def test_signing_in_changes_nobody() -> None:
    user = UserFactory.create()
    before = LogEntry.objects.count()
    Client().force_login(user)
    assert LogEntry.objects.count() == before


def test_a_view_is_recorded_with_its_region() -> None:
    region = RegionFactory.create()
    audit.record_view(region, masked=False)
    entry = entries(region)[-1]
    assert entry.action == LogEntry.Action.ACCESS
    assert entry.additional_data == {"masked": False, "region": region.pk}


def test_a_view_of_a_list_is_one_entry_for_each_region(django_assert_max_num_queries: Any) -> None:
    users = [UserFactory.create() for _ in range(3)]
    with django_assert_max_num_queries(6):
        audit.record_views(User, [user.pk for user in users], export="csv")
    entry = LogEntry.objects.latest("pk")
    assert entry.additional_data == {
        "export": "csv", "region": None, "count": 3, "rows": [user.pk for user in users],
    }  # fmt: skip
    audit.record_views(User, [])
    assert LogEntry.objects.latest("pk") == entry


def test_a_job_acts_in_the_name_of_who_started_it() -> None:
    user = UserFactory.create()
    region = RegionFactory.create()
    with set_actor(user):
        region.display_name = "Renamed"
        region.save()
    assert entries(region)[-1].actor == user


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "expected"),
    [
        (False, "203.0.113.9", "192.0.2.1"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (True, "'; DROP TABLE x", None),
        (True, "", "192.0.2.1"),
    ],
)
def test_an_address_is_believed_only_from_a_proxy_of_ours(
    settings: Any, behind_proxy: bool, forwarded: str, expected: str | None
) -> None:
    settings.BEHIND_PROXY = behind_proxy
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.1")
    assert audit.client_address(request) == expected


@pytest.mark.parametrize(("peer", "expected"), [("10.2.0.7", "203.0.113.9"), ("192.0.2.1", "192.0.2.1"), ("", None)])
def test_who_is_not_the_proxy_does_not_choose_the_address_that_is_written_down(
    settings: Any, peer: str, expected: str | None
) -> None:
    """Else a node's open port is a new address for each guess of a password."""
    settings.BEHIND_PROXY, settings.PROXY_NETWORKS = True, networks(["10.0.0.0/8", "fd00::/8"])
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.9"}, REMOTE_ADDR=peer)
    assert audit.client_address(request) == expected


def test_a_network_that_is_none_is_named() -> None:
    with pytest.raises(SystemExit, match=r"PROXY_NETWORKS: '10\.0\.0\.1/99' .+ Write it as"):
        networks(["10.0.0.1/99"])


def test_a_model_that_belongs_to_a_region_says_so_in_its_entries() -> None:
    for tracked in TRACKED:
        model = apps.get_model(tracked["model"])
        assert auditlog.contains(model)
        if any(field.name == "region" for field in model._meta.fields) or model is Region:
            assert hasattr(model, "get_additional_data"), model._meta.label


# The log in the admin


def names(client: Client) -> set[str]:
    response = client.get(reverse(ENTRIES))
    assert response.status_code == 200
    return {entry.object_repr for entry in response.context["cl"].result_list}


def test_auditors_read_the_entries_of_their_regions_only(client: Client) -> None:
    mine, other = RegionFactory.create(), RegionFactory.create()
    client.force_login(UserFactory.create(role="auditor", regions=[mine]))
    assert names(client) == {mine.name}
    entry = entries(mine)[0]
    assert mine.name in client.get(reverse("admin:auditlog_logentry_change", args=[entry.pk])).content.decode()
    foreign = reverse("admin:auditlog_logentry_change", args=[entries(other)[0].pk])
    assert client.get(foreign).status_code == 404


def test_a_superuser_reads_all_entries(client: Client) -> None:
    region, user = RegionFactory.create(), UserFactory.create()
    client.force_login(SuperuserFactory.create())
    assert names(client) >= {region.name, user.username}


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "engineer"])
def test_no_other_role_reads_them(client: Client, role: str) -> None:
    client.force_login(UserFactory.create(role=role, regions=[RegionFactory.create()]))
    assert client.get(reverse(ENTRIES)).status_code == 403


def test_nobody_is_offered_a_way_to_change_them(client: Client) -> None:
    region = RegionFactory.create()
    entry = entries(region)[0]
    for user in (SuperuserFactory.create(), UserFactory.create(role="auditor", regions=[region])):
        client.force_login(user)
        for page in ("delete", "change"):
            address = reverse(f"admin:auditlog_logentry_{page}", args=[entry.pk])
            assert client.post(address, {"post": "yes", "object_repr": "x"}).status_code == 403
        assert client.get(reverse("admin:auditlog_logentry_add")).status_code == 403
