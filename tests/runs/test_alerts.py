"""Alerts: raised once, sent once, cleared by themselves."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection
from pytest_django import Settings
from pytest_httpserver import HTTPServer

from backoffice.runs import alerts
from backoffice.runs.alerts import check_alerts
from backoffice.runs.control import stop_run
from backoffice.runs.faults import ConfigError
from backoffice.runs.models import Alert, Run
from tests.running import finish, go_on
from tests.runs.test_kernel import begin, die_at
from tests.runs.toy import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _recipients(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALERT_MAIL_TO = ["night@example.org"]
    monkeypatch.setattr(alerts, "CHECKS", ("backoffice.runs.alerts.failed_runs",))


def failed_run(world: World) -> Run:
    world.before_chunk = die_at(4, ConfigError("The token is wrong."))
    run = finish(begin())
    world.before_chunk = lambda numbers: None
    return run


def test_a_failed_run_raises_one_alert_and_one_mail_however_often_it_is_looked_at(world: World) -> None:
    failed_run(world)
    for _ in range(3):
        check_alerts()
    assert Alert.objects.count() == 1
    assert len(mail.outbox) == 1
    assert "The token is wrong." in mail.outbox[0].body


def test_ten_checks_at_once_send_one_mail(world: World) -> None:
    failed_run(world)

    def check() -> None:
        check_alerts()
        connection.close()

    threads = [threading.Thread(target=check) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Alert.objects.standing().count() == 1
    assert len(mail.outbox) == 1


def test_an_alert_clears_itself_when_the_run_has_been_completed_and_is_raised_anew_the_next_time(world: World) -> None:
    run = failed_run(world)
    check_alerts()
    go_on(run)
    check_alerts()
    assert Alert.objects.standing().count() == 0
    failed_run(world)
    check_alerts()
    assert Alert.objects.standing().count() == 1
    assert len(mail.outbox) == 2


def fails() -> Iterator[alerts.Wrong]:
    raise KeyError("MARIA-GARCIA")


def test_a_check_that_fails_is_an_alert_and_silences_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    Alert.objects.create(kind="toy", key="k", message="What the broken check had raised.")
    monkeypatch.setattr(alerts, "CHECKS", ("tests.runs.test_alerts.fails", "backoffice.runs.alerts.failed_runs"))
    failed_run(world)
    check_alerts()
    assert set(Alert.objects.standing().values_list("kind", flat=True)) == {"toy", "alarm", "run"}
    assert "alarm fails cannot look (KeyError)" in Alert.objects.get(kind="alarm").message
    assert not any("MARIA" in one.body for one in mail.outbox)
    monkeypatch.setattr(alerts, "CHECKS", ("backoffice.runs.alerts.failed_runs",))
    check_alerts()
    assert set(Alert.objects.standing().values_list("kind", flat=True)) == {"run"}


def raises_itself() -> Iterator[alerts.Wrong]:
    """As another process that looks at the same moment."""
    Alert.objects.create(kind="toy", key="k", message="Just raised.")
    yield from ()


def test_what_another_process_raises_meanwhile_is_not_cleared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "CHECKS", ("tests.runs.test_alerts.raises_itself",))
    check_alerts()
    assert Alert.objects.standing().get().kind == "toy"


def test_a_failed_run_of_a_job_that_a_roll_back_took_away_is_told_all_the_same(world: World) -> None:
    Run.objects.filter(pk=failed_run(world).pk).update(job="of_the_next_release")
    check_alerts()
    assert "of the next release" in Alert.objects.get().message


def test_a_run_that_somebody_stopped_is_no_alert(world: World) -> None:
    stop_run(begin())
    check_alerts()
    assert Alert.objects.count() == 0


def test_a_way_that_does_not_work_neither_floods_nor_silences_the_other(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALERT_WEBHOOK_URL = "http://127.0.0.1:9/nobody-listens"
    failed_run(world)
    for _ in range(3):
        check_alerts()
    assert len(mail.outbox) == 1
    posted: list[str] = []
    monkeypatch.setattr(alerts, "post_json", lambda url, told: posted.append(told["kind"]))
    monkeypatch.setattr(alerts, "send_mail", refused)
    failed_run(world)
    Alert.objects.update(mailed_at=None)
    for _ in range(2):
        check_alerts()
    assert set(posted) == {"run"}
    assert Alert.objects.standing().filter(mailed_at=None).exists()


def test_an_address_that_is_none_is_a_way_that_does_not_work(world: World, settings: Settings) -> None:
    settings.ALERT_WEBHOOK_URL = "https://hooks.example:port/night"
    failed_run(world)
    check_alerts()
    alert = Alert.objects.get()
    assert (alert.posted_at, len(mail.outbox)) == (None, 1)


def refused(*_: object, **__: object) -> None:
    raise ConnectionRefusedError


def test_what_cannot_be_asked_while_the_queue_is_away_is_not_cleared(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It would be raised and told anew when the queue is back."""
    for kind in ("process", "priority", "silence"):
        Alert.objects.create(kind=kind, key="k", message="It is wrong.")
    asking = ("operations.alerts.gone_processes", "monitor.priorities.failing", "runs.alerts.queue_unreachable")
    monkeypatch.setattr(alerts, "CHECKS", [f"backoffice.{name}" for name in asking])
    monkeypatch.setattr("django.conf.settings.RQ_QUEUES", {"default": {"URL": f"unix://{tmp_path}/none.sock"}})
    check_alerts()
    assert set(Alert.objects.standing().values_list("kind", flat=True)) == {"process", "priority", "queue"}


def test_an_alert_that_could_not_be_sent_is_sent_by_the_next_check(
    world: World, httpserver: HTTPServer, settings: Settings
) -> None:
    settings.ALERT_MAIL_TO = []
    settings.ALERT_WEBHOOK_URL = httpserver.url_for("/hook")
    httpserver.expect_oneshot_request("/hook").respond_with_data("busy", status=503)
    failed_run(world)
    check_alerts()
    assert Alert.objects.get().posted_at is None
    httpserver.expect_oneshot_request("/hook", method="POST").respond_with_data("ok")
    check_alerts()
    assert Alert.objects.get().posted_at is not None
    (_refused, taken) = httpserver.log
    assert taken[0].get_json()["kind"] == "run"
