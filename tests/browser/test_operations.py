"""The pages of operations in a real browser: what runs, queues with their buttons, logs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from redis import Redis
from rq import Queue, SimpleWorker

from backoffice import presence
from backoffice.operations.models import PausedQueue
from backoffice.runs.models import Alert
from regions.models import Region
from tests.browser.conftest import REAL_PASSWORD, OpenPage
from tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PLACE = "/admin/operations/"


@pytest.fixture
def busy(region: Region, queue: Redis, tmp_path: Path) -> None:
    """Processes of which one was killed, alerts, failed jobs and log lines."""
    UserFactory.create(username="eva", role="engineer", regions=[region], password=REAL_PASSWORD)
    now = datetime.now(UTC)
    for number, (name, silent) in enumerate([("worker", 0), ("worker", 0), ("consumer-notification", 40)]):
        seen = now - timedelta(seconds=silent)
        one = presence.Process(
            name=name, host="worker-7d9f8c6b5d-x2x9z", pid=number, started=now - timedelta(hours=5), seen=seen,
            memory=180_000_000 * (number + 1), cpu=900.0, version="2026.11.30",
        )  # fmt: skip
        queue.hset(presence.PROCESSES, one.key, presence._text(one))
    Alert.objects.create(kind="run", key="r", message="Phone sync for North: run 7 failed (config).", region=region)
    low = Queue("low", connection=queue)
    low.enqueue("tests.queue.jobs.write", str(tmp_path / "nowhere" / "file"), "line")
    low.enqueue("clinic.notices.jobs.send_region", 987_654)
    SimpleWorker([low], connection=queue).work(burst=True)
    line = '{"event": "events_wait", "level": "warning", "error": "OSError", "timestamp": "2026-03-01T10:00:00Z"}'
    queue.rpush(f"{presence.LOG}publisher", *[line] * 30)


def test_they_fit_a_laptop_and_a_phone(busy: None, open_page: OpenPage) -> None:
    watched = open_page()
    watched.enter("eva")
    for path in ("", "?by=memory", "queues/", "logs/", "logs/?of=publisher"):
        watched.fits(PLACE + path)
    assert watched.wrong == []


def test_an_engineer_pauses_a_queue_and_restarts_what_runs(busy: None, open_page: OpenPage) -> None:
    watched = open_page()
    watched.enter("eva")
    page = watched.go(PLACE + "queues/")
    page.get_by_label("low", exact=True).check()
    page.get_by_label("Why").fill("the clearinghouse is down")
    page.get_by_role("button", name="Pause these").click()
    expect(page.get_by_text("1 queue paused")).to_be_visible()
    assert PausedQueue.objects.get().reason == "the clearinghouse is down"
    page.get_by_role("button", name="Resume low").click()
    expect(page.get_by_text("1 queue resumed")).to_be_visible()
    page = watched.go(PLACE)
    page.get_by_role("button", name="Restart worker").click()
    expect(page.get_by_text("worker begins again")).to_be_visible()
    assert watched.wrong == []


def test_what_stops_everything_is_asked_first(busy: None, open_page: OpenPage) -> None:
    watched = open_page()
    watched.enter("eva")
    page = watched.go(PLACE + "queues/")
    page.get_by_role("button", name="Drain: pause all").click()
    expect(page.get_by_role("heading", name="Pause every queue?")).to_be_visible()
    page.get_by_role("button", name="Leave them").click()
    expect(page.get_by_role("button", name="Drain: pause all")).to_be_visible()
    assert not PausedQueue.objects.exists()
    page.get_by_role("button", name="Drain: pause all").click()
    page.get_by_role("button", name="Pause all").click()
    expect(page.get_by_text("queues paused")).to_be_visible()
    page = watched.go(PLACE)
    page.get_by_role("button", name="Restart all that is active").click()
    expect(page.get_by_role("heading", name="Restart 2 kinds of process?")).to_be_visible()
    page.get_by_role("button", name="Restart them").click()
    expect(page.get_by_text("2 kinds of processes begin again")).to_be_visible()
    assert watched.wrong == []
