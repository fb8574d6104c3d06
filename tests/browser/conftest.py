"""A real browser before a real web server, a real worker and a sandbox hospital."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from backoffice.sandbox.hospital import Hospital
from backoffice.sandbox.hospital.generate import generate
from regions.models import Region
from tests.factories import PASSWORD, RegionFactory, UserFactory
from tests.needs import chromium
from tests.processes import Processes, until

TOKEN = "a-hospital-token"

# Playwright's loop runs in this thread; Django would take its own calls for asynchronous ones.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


# The web server hashes as in production; the test's own process does not.
REAL_PASSWORD = PBKDF2PasswordHasher().encode(PASSWORD, "salt-of-the-tests")


@dataclass
class Watched:
    """A page, and what it should not have done: messages on the console, requests to another host, failed answers."""

    page: Page
    address: str
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def sign_in(self, name: str) -> Page:
        self.go("/admin/login/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/admin/")
        return self.page


OpenPage = Callable[..., Watched]


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """A month of a small hospital in which each situation occurs."""
    generate(tmp_path / "hospital", appointments=240, seed=7, start=date(2026, 3, 2), end=date(2026, 3, 30))
    with Hospital(tmp_path / "hospital", token=TOKEN) as served:
        yield served


@pytest.fixture
def region(hospital: Hospital, transactional_db: None) -> Region:
    env_vars = {"HOSPITAL_GRAPHQL_URL": hospital.url, "HOSPITAL_API_TOKEN": TOKEN}
    region = RegionFactory.create(name="north", display_name="North", env_vars=env_vars)
    UserFactory.create(username="fiona", role="finance", regions=[region], password=REAL_PASSWORD)
    return region


@pytest.fixture
def address(region: Region, processes: Processes, queue: object) -> str:
    """Where gunicorn serves the test's database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free_port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{free_port}"
    gunicorn = ["-m", "gunicorn", "backoffice.wsgi", "--bind", f"127.0.0.1:{free_port}", "--threads", "4"]
    web = processes.start(sys.executable, *gunicorn)

    def answers() -> bool:
        assert web.process.poll() is None, web.output
        try:
            with urlopen(f"{address}/admin/login/") as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    until(answers, what="the web server")
    return address


@pytest.fixture
def worker(address: str, processes: Processes) -> None:
    """A worker that serves every queue."""
    processes.manage("work")


@pytest.fixture
def open_page(chrome: Browser, address: str) -> Iterator[OpenPage]:
    """Opens a page of its own; after the test, what a page did wrong fails it."""
    contexts: list[BrowserContext] = []
    opened: list[Watched] = []

    def open_one(**options: object) -> Watched:
        context = chrome.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})  # type: ignore[arg-type]
        contexts.append(context)
        watched = Watched(context.new_page(), address)
        opened.append(watched)
        page, wrong = watched.page, watched.wrong
        page.set_default_timeout(20_000)
        page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request", lambda sent: None if sent.url.startswith((address, "data:", "blob:")) else wrong.append(sent.url)
        )
        return watched

    yield open_one
    for context in contexts:
        context.close()
    assert [wrong for watched in opened for wrong in watched.wrong] == []
