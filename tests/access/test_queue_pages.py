"""django-rq's pages: for engineers. By themselves they let any member of staff read jobs and empty queues."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django_rq.queues import get_queue_by_index
from rq import Queue

from tests.factories import SuperuserFactory, UserFactory

pytestmark = pytest.mark.django_db

ARGUMENTS = {
    "queue_index": "0", "job_id": "some-job", "result_id": "1-0", "key": "worker", "scheduler_index": "0",
    "connection_index": "0", "scheduler_name": "cron", "cron_job_name": "job", "token": "word",
}  # fmt: skip


def _patterns(resolver: URLResolver, prefix: str = "/", inside: bool = False) -> Iterator[str]:
    """The address of every view of django-rq, wherever it is mounted, with its arguments filled in."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            mounted = inside or "django_rq" in (entry.app_name or "", entry.namespace or "")
            yield from _patterns(entry, prefix + str(entry.pattern), mounted)
        elif inside or str(entry.name).startswith("django_rq"):
            yield _filled(prefix + str(entry.pattern))


def _filled(route: str) -> str:
    for old, new in (("^", ""), ("/?$", ""), ("(?P<token>[\\w]+)?", "word"), ("\\.", ".")):
        route = route.replace(old, new)
    for name, value in ARGUMENTS.items():
        for converter in ("int:", "str:", "path:", ""):
            route = route.replace(f"<{converter}{name}>", value)
    return route


ADDRESSES = sorted(set(_patterns(get_resolver())))


def test_there_are_pages_to_guard() -> None:
    assert len(ADDRESSES) > 20
    assert not [address for address in ADDRESSES if set(address) & set("<>()?$^")]


@pytest.mark.parametrize("address", ADDRESSES)
def test_outsiders_are_kept_out(address: str, client: Client) -> None:
    """[S3-23] By the role, not by a password that all share."""
    assert client.get(address).status_code == 302
    assert client.post(address).status_code == 302
    assert_refused(client, address, UserFactory.create(role="operator"))
    assert not LogEntry.objects.filter(object_repr__startswith="RQ's own page").exists()


@pytest.mark.slow
@pytest.mark.parametrize("address", ADDRESSES)
def test_each_other_role_is_kept_out(address: str, client: Client) -> None:
    for role in ("viewer", "finance", "auditor", None):
        assert_refused(client, address, UserFactory.create(role=role))
    assert_refused(client, address, UserFactory.create(role="engineer", is_staff=False))


def assert_refused(client: Client, address: str, user: User) -> None:
    client.force_login(user)
    assert client.get(address).status_code == 403
    assert client.post(address).status_code == 403


def script_sources(page: Any) -> str:
    return next(
        str(part) for part in page["Content-Security-Policy"].split(";") if part.strip().startswith("script-src")
    )


def test_no_other_page_allows_inline_scripts(client: Client) -> None:
    client.force_login(UserFactory.create(role="viewer"))
    page = client.get(reverse("admin:regions_region_changelist"))
    assert page.status_code == 200
    assert "'unsafe-inline'" not in script_sources(page)


@pytest.mark.usefixtures("queue")
def test_an_engineer_opens_them(client: Client) -> None:
    (home,) = [address for address in ADDRESSES if address.endswith("/queues/0/")][:1]
    for user in (UserFactory.create(role="engineer"), SuperuserFactory.create()):
        client.force_login(user)
        page = client.get(home)
        assert page.status_code == 200
        assert "'unsafe-inline'" in script_sources(page)


@pytest.mark.usefixtures("queue")
def test_what_an_engineer_does_on_them_stands_in_the_audit_log(client: Client) -> None:
    """They write nothing down themselves, and have no order of ours."""
    engineer = UserFactory.create(role="engineer")
    client.force_login(engineer)
    first = get_queue_by_index(0)
    job = Queue(first.name, connection=first.connection).enqueue("time.sleep", 0)
    (home,) = [address for address in ADDRESSES if address.endswith("/queues/0/")][:1]
    address = f"{home}{job.id}/delete/"
    assert client.get(address).status_code == 200
    before = LogEntry.objects.count()
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert LogEntry.objects.count() == before + 1
    entry = LogEntry.objects.latest("pk")
    assert entry.actor == engineer
    assert re.fullmatch(r"RQ's own page: \w*delete_job", entry.object_repr)
    assert entry.additional_data == {"queue_index": 0, "job_id": job.id}


def test_a_token_of_django_rqs_own_opens_nothing(client: Client) -> None:
    statistics = [address for address in ADDRESSES if "stats.json" in address]
    assert statistics
    for address in statistics:
        assert client.get(address, headers={"Authorization": "Bearer "}).status_code == 302


def test_an_engineer_without_the_second_factor_is_sent_to_it(client: Client, settings: Any) -> None:
    settings.REQUIRE_TOTP = True
    client.force_login(UserFactory.create(role="engineer"))
    assert client.get(ADDRESSES[0]).status_code == 302
