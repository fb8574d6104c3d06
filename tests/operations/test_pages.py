"""The pages of operations: who may open them, what they show, and that each button leaves an entry."""

from pathlib import Path

import pytest
from auditlog.models import LogEntry
from django.conf import settings
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from redis import Redis
from rq import Queue, SimpleWorker

from backoffice import presence
from backoffice.operations.models import Order, PausedQueue
from backoffice.runs.models import Alert
from clinic.care.models import CommandState
from regions.models import Region
from tests.factories import RegionFactory, UserFactory
from tests.operations.conftest import SignIn

PLACE = "/admin/operations/"
pytestmark = pytest.mark.django_db


def text_of(client: Client, path: str = "") -> str:
    answer = client.get(PLACE + path)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def pressed(client: Client, path: str, **form: object) -> str:
    """What the next page will say."""
    answer = client.post(PLACE + path, form)
    assert answer.status_code == 302, answer.status_code
    return " ".join(str(one) for one in get_messages(answer.wsgi_request))


def here(name: str, on_restart: object = None) -> presence.Presence:
    one = presence.Presence(name=name, on_restart=lambda: None)
    one.beat()
    return one


@pytest.mark.parametrize("path", ["", "queues/", "logs/"])
@pytest.mark.parametrize("role", ["", "viewer", "finance", "auditor"])
def test_an_outsider_is_refused(queue: Redis, sign_in: SignIn, role: str, path: str) -> None:
    answer = (sign_in(role) if role else Client()).get(PLACE + path)
    assert answer.status_code == (403 if role else 302)


@pytest.mark.parametrize(
    ("path", "operator"),
    [
        ("restart/", 302), ("restart-all/", 302), ("forget/", 302), ("queues/pause/", 403), ("queues/resume/", 403),
        ("queues/drain/", 403), ("queues/again/", 403),
    ],
)  # fmt: skip
def test_a_button_is_for_its_role_alone(queue: Redis, sign_in: SignIn, path: str, operator: int) -> None:
    assert sign_in("operator").post(PLACE + path).status_code == operator
    assert sign_in("finance").post(PLACE + path).status_code == 403
    assert sign_in("engineer").get(PLACE + path).status_code == 405
    anonymous = Client().post(PLACE + path)
    assert (anonymous.status_code, "/login/" in anonymous["Location"]) == (302, True)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(UserFactory.create(role="engineer"))
    assert strict.post(PLACE + path).status_code == 403
    assert not PausedQueue.objects.exists()


def test_a_clock_that_is_cron_itself_does_not_count_as_missing(queue: Redis, sign_in: SignIn) -> None:
    """As on Kubernetes, where CronJobs start the commands."""
    row = CommandState.objects.create(command="clean_up", began_at=timezone.now())
    assert "by cron" in text_of(sign_in("operator"))
    CommandState.objects.filter(pk=row.pk).update(command="publish_events")  # a worker, whoever starts it
    assert "by cron" not in text_of(sign_in("operator"))


def test_the_page_says_what_should_run_and_what_does(queue: Redis, sign_in: SignIn) -> None:
    """[S4-22] [S4-23] Also what is off."""
    here("web")
    page = text_of(sign_in("operator"))
    assert "1 of 2" in page
    assert "none runs" in page
    assert "review by" in page
    for by in ("memory", "cpu", "age", "nonsense"):
        assert "What runs" in text_of(sign_in("operator"), f"?by={by}")


def test_a_restart_is_ordered_noted_and_audited(queue: Redis, sign_in: SignIn) -> None:
    here("web")
    here("consumer-checkup")
    client = sign_in("operator", name="olga")
    assert "begins again" in pressed(client, "restart/", name="web")
    assert "No process" in pressed(client, "restart/", name="consumer-checkup")
    assert "1 kind of process begin" in pressed(client, "restart-all/", sure="1")
    assert set(queue.hkeys(presence.RESTARTS)) == {b"web"}
    assert list(Order.objects.values_list("kind", "target", "by__username")) == [("restart", "web", "olga")] * 2
    assert LogEntry.objects.get_for_model(Order).filter(actor__username="olga").count() == 2
    assert "Restart: web, by olga" in text_of(client)


def test_what_runs_beside_what_should_can_be_restarted_as_well(queue: Redis, sign_in: SignIn) -> None:
    """As listen_mllp, which only a clinic with such a laboratory starts."""
    here("listener-mllp")
    client = sign_in("operator")
    assert '<input type="hidden" name="name" value="listener-mllp">' in text_of(client)
    assert "begins again" in pressed(client, "restart/", name="listener-mllp")


def test_what_stops_everything_is_asked_first(queue: Redis, sign_in: SignIn) -> None:
    """S4-22: one click on the wrong button restarts and pauses nothing."""
    client = sign_in("engineer")
    assert "No process runs" in pressed(client, "restart-all/")
    here("web")
    here("consumer-checkup")
    question = client.post(f"{PLACE}restart-all/").content.decode()
    assert "Restart 1 kind of process?" in question
    assert "<dd>web</dd>" in question
    assert pressed(client, "restart-all/", back="1") == ""
    assert not queue.exists(presence.RESTARTS)
    Queue("low", connection=queue).enqueue("tests.queue.jobs.write", "nowhere", "line")
    question = client.post(f"{PLACE}queues/drain/").content.decode()
    assert "1 job, not begun" in question
    assert pressed(client, "queues/drain/", back="1") == ""
    assert not PausedQueue.objects.exists()
    assert "queues paused" in pressed(client, "queues/drain/", sure="1")
    assert set(PausedQueue.objects.values_list("name", flat=True)) == set(settings.QUEUE_ORDER)
    assert "paused already" in pressed(client, "queues/drain/")


def test_one_that_is_gone_can_be_taken_off_the_list(
    queue: Redis, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    here("publisher")
    (row,) = presence.processes()
    monkeypatch.setattr(presence, "GONE_AFTER", 0)
    assert "gone" in text_of(sign_in("operator"))
    assert "Taken off" in pressed(sign_in("operator"), "forget/", key=row.key)
    assert presence.processes() == []
    assert "not on the list any more" in pressed(sign_in("operator"), "forget/", key=row.key)
    assert Order.objects.count() == 1


def test_the_last_events_are_of_ones_own_regions(queue: Redis, sign_in: SignIn, north: Region) -> None:
    south = RegionFactory.create(name="south", display_name="South")
    for region, words in ((north, "the north is late"), (south, "the south is late"), (None, "the queue is away")):
        Alert.objects.create(kind="toy", key=words, message=words, region=region)
    page = text_of(sign_in("operator"))
    assert "the north is late" in page
    assert "the queue is away" in page
    assert "the south is late" not in page


def test_a_queue_is_paused_and_resumed_with_a_reason(queue: Redis, sign_in: SignIn) -> None:
    client = sign_in("engineer", name="eva")
    assert "Say why" in pressed(client, "queues/pause/", name="low")
    assert "1 queue paused" in pressed(client, "queues/pause/", name=["low", "low"], reason="the payer is down")
    page = text_of(client, "queues/")
    assert "the payer is down" in page
    assert "eva" in page
    assert "1 queue resumed" in pressed(client, "queues/resume/", name="low")
    assert "the payer is down" not in text_of(client, "queues/")
    actions = LogEntry.objects.get_for_model(PausedQueue).values_list("action", flat=True)
    assert sorted(actions) == [LogEntry.Action.CREATE, LogEntry.Action.DELETE]


def test_a_failed_job_says_whether_it_may_come_twice_and_runs_again(
    queue: Redis, sign_in: SignIn, tmp_path: Path
) -> None:
    """Its error by its class alone: what it says may be a patient's."""
    name = tmp_path / "no-such-folder" / "MARIA-GARCIA"
    low = Queue("low", connection=queue)
    unsafe = low.enqueue("tests.queue.jobs.write", str(name), "line")
    safe = low.enqueue("clinic.notices.jobs.send_region", 987_654)
    SimpleWorker([low], connection=queue).work(burst=True)
    client = sign_in("engineer")
    page = text_of(client, "queues/")
    assert "safe to run again" in page
    assert "look first" in page
    assert "FileNotFoundError" in page
    assert "MARIA" not in page
    assert "987654" in page
    assert "waits in its queue again" in pressed(client, "queues/again/", queue="low", job=safe.id)
    assert "not among the failed" in pressed(client, "queues/again/", queue="low", job=safe.id)
    assert "No queue is called" in pressed(client, "queues/again/", queue="fast", job=unsafe.id)
    assert low.job_ids == [safe.id]
    assert list(Order.objects.values_list("kind", "target")) == [("requeue", f"low/{safe.id}")]


def test_the_last_lines_of_a_process_are_read_there(queue: Redis, sign_in: SignIn) -> None:
    queue.rpush(
        f"{presence.LOG}publisher",
        '{"event": "events_wait", "level": "warning", "error": "ConnectionError", "timestamp": "2026-03-01T10:00:00Z"}',
    )
    client = sign_in("engineer")
    assert "Choose whose lines" in text_of(client, "logs/")
    page = text_of(client, "logs/?of=publisher")
    assert "events_wait" in page
    assert "error=ConnectionError" in page
    assert "2026-03-01" in page
    assert "Choose" not in text_of(client, "logs/?of=nobody")


def test_without_a_queue_the_pages_say_so_and_buttons_do_nothing(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    away = {"URL": f"unix://{tmp_path}/none.sock"}
    monkeypatch.setattr("django.conf.settings.RQ_QUEUES", {"default": away})
    monkeypatch.setitem(__import__("django_rq.settings").settings.QUEUES, "default", away)
    client = sign_in("engineer")
    for path in ("", "queues/", "logs/"):
        assert "does not answer" in text_of(client, path)
    for path, form in (
        ("restart-all/", {}), ("restart/", {"name": "web"}), ("forget/", {"key": "a"}),
        ("restart-all/", {"sure": "1"}), ("queues/drain/", {}), ("queues/drain/", {"sure": "1"}),
        ("queues/pause/", {"name": "low", "reason": "r"}), ("queues/again/", {"queue": "default", "job": "j"}),
    ):  # fmt: skip
        assert "does not answer" in pressed(client, path, **form)
    assert not Order.objects.exists()
    assert not PausedQueue.objects.exists()
