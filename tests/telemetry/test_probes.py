"""The probes: alive without anything, ready with everything, and nothing said that an outsider may not know."""

from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from redis import Redis

from backoffice.home import database_config
from backoffice.telemetry import probes

pytestmark = pytest.mark.django_db
# Under a name that is not this host's, by plain HTTP, as an orchestrator asks.
CONTAINER = {"host": "10.1.2.3:8000"}


@pytest.fixture(autouse=True)
def _strict(settings: Any) -> Iterator[None]:
    settings.SECURE_SSL_REDIRECT = True
    probes._migrated.clear()
    yield
    probes._migrated.clear()


def checks(client: Client) -> tuple[int, dict[str, str]]:
    answer = client.get("/readyz", headers=CONTAINER)
    return answer.status_code, answer.json()["checks"]


def test_who_asks_needs_no_sign_in_no_https_and_no_name_of_this_host(queue: Redis, client: Client) -> None:
    for probe, word in (("/livez", "alive"), ("/readyz", "ready")):
        answer = client.get(probe, headers=CONTAINER)
        assert (answer.status_code, answer.json()["status"]) == (200, word)
        assert not answer.cookies
        assert answer["Cache-Control"] == "no-store"
        assert client.head(probe, headers=CONTAINER).status_code == 200
        assert client.post(probe, headers=CONTAINER).status_code == 405
    assert client.get("/admin/", headers=CONTAINER).status_code == 400


def test_ready_names_each_thing_that_it_has_looked_at(queue: Redis, client: Client) -> None:
    ok = {"database": "ok", "accumulators": "ok", "queue": "ok", "migrations": "ok", "disk": "ok"}
    assert checks(client) == (200, ok)


def test_what_is_excluded_is_not_asked_and_bookings_are_not_ended_by_what_they_do_not_need(
    client: Client, settings: Any
) -> None:
    """Kubernetes asks so: without Redis, which all pods have lost at once, the API still books [S4-20]."""
    settings.RQ_QUEUES = {"default": {"URL": "redis://127.0.0.1:1/0"}}
    assert client.get("/readyz", headers=CONTAINER).status_code == 503
    needed = client.get("/readyz?exclude=accumulators&exclude=queue&exclude=disk", headers=CONTAINER)
    assert (needed.status_code, needed.json()["checks"]) == (200, {"database": "ok", "migrations": "ok"})
    unknown = client.get("/readyz?exclude=everything", headers=CONTAINER)
    assert (unknown.status_code, unknown.json()["status"]) == (400, "no such check")


def test_alive_does_not_ask_the_database(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert client.get("/livez").status_code == 200


def test_without_its_queue_it_is_not_ready_and_does_not_say_where_the_queue_is(client: Client, settings: Any) -> None:
    secret = "redis://:secret@127.0.0.1:1/0"
    settings.RQ_QUEUES = {"default": {"URL": secret}}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["queue"] == "unreachable"
    assert "secret" not in answer.content.decode()
    assert "127.0.0.1" not in answer.content.decode()
    assert client.get("/livez").status_code == 200


def test_a_migration_that_waits_makes_it_not_ready(queue: Redis, client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'notices'")
    assert checks(client)[0] == 503
    assert checks(client)[1]["migrations"] == "not applied"


def test_what_was_once_seen_as_applied_is_not_looked_for_again(
    queue: Redis, client: Client, django_assert_num_queries: Any
) -> None:
    checks(client)
    with django_assert_num_queries(1):
        assert checks(client)[0] == 200


def test_a_full_disk_and_one_that_cannot_be_written_make_it_not_ready(
    queue: Redis, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**10, 10**10, 199_000_000))
    assert checks(client) == (
        503, {"database": "ok", "accumulators": "ok", "queue": "ok", "migrations": "ok", "disk": "too little space"},
    )  # fmt: skip
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**10, 0, 10**10))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert checks(client)[1]["disk"] == "not writable"
    settings.NIGHTWARD_HOME = settings.NIGHTWARD_HOME / "gone"
    monkeypatch.undo()
    assert checks(client)[1]["disk"] == "unreachable"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_makes_it_not_ready(
    queue: Redis, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def lost(*told: Any) -> None:
        raise OperationalError("host 10.0.0.9 does not answer")

    connection.close()
    monkeypatch.setattr(connection, "connect", lost)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "unreachable"
    assert "10.0.0.9" not in answer.content.decode()


def test_a_database_that_says_nothing_is_given_up_before_who_asks_gives_up() -> None:
    """Else each thread of the web waits for it, and nobody is left to answer /livez."""
    given = database_config("postgresql://nightward@db/nightward")["OPTIONS"]
    assert given["connect_timeout"] < 5
    wanted = database_config("postgresql://nightward@db/nightward?connect_timeout=30")["OPTIONS"]
    assert int(wanted["connect_timeout"]) == 30
    assert "OPTIONS" not in database_config("sqlite:////srv/nightward.sqlite3")
