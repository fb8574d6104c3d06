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
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from backoffice.sandbox.hospital import Hospital
from backoffice.sandbox.hospital.generate import generate
from regions.models import Region
from tests.conftest import database_url
from tests.factories import PASSWORD, RegionFactory, UserFactory
from tests.needs import chromium
from tests.processes import Processes, until

TOKEN = "a-hospital-token"

# Playwright's loop runs in this thread; Django would take its own calls for asynchronous ones.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


# The web server hashes as in production; the test's own process does not.
REAL_PASSWORD = PBKDF2PasswordHasher().encode(PASSWORD, "salt-of-the-tests")


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const read = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = read(getComputedStyle(at).backgroundColor);
      if (colour[3]) layers.unshift(colour);
      if (colour[3] === 255) break;
    }
    return layers.reduce((under, over) => under.map((v, i) => v + (over[i] - v) * over[3] / 255), [255, 255, 255]);
  };
  const poor = [];
  for (const element of document.querySelectorAll('.nw *')) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!text || element.disabled || !element.offsetParent) continue;
    const [a, b] = [light(read(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(element.textContent.trim().slice(0, 40));
  }
  return poor;
}"""
CUT = "[...document.querySelectorAll('.nw-scroll')].map((box) => box.scrollWidth - box.clientWidth)"


@dataclass
class Watched:
    """A page, and what it should not have done: messages on the console, requests to another host, failed answers."""

    page: Page
    address: str
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def fits(self, path: str) -> None:
        """The page has a title, is legible, and fits a laptop with its tables and a phone."""
        self.go(path)
        self.fits_here()

    def fits_here(self) -> None:
        """The same of the page that is open."""
        page, path = self.page, self.page.url
        assert max(page.evaluate(CUT), default=0) <= 0, path
        assert page.evaluate(CONTRAST) == [], path
        assert page.title().strip().endswith("Nightward"), path
        page.set_viewport_size({"width": 390, "height": 844})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path
        page.set_viewport_size({"width": 1280, "height": 800})

    def enter(self, name: str) -> None:
        """Be signed in without the form, whose hashing takes its time on purpose."""
        client = Client()
        client.force_login(User.objects.get(username=name))
        session = client.cookies[settings.SESSION_COOKIE_NAME]
        self.page.context.add_cookies([{"name": session.key, "value": session.value, "url": self.address}])

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
    """While Playwright's loop runs in this thread, Django keeps the thread's connections apart from those that it had:
    none stays open on either side, where a forked process would share it."""
    connections.close_all()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()
        connections.close_all()


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


@pytest.fixture(scope="session")
def server(django_db_setup: None, queue_server: str) -> Iterator[str]:
    """Where gunicorn serves the tests' database, for all tests of this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free_port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{free_port}"
    gunicorn = ["-m", "gunicorn", "backoffice.wsgi", "--bind", f"127.0.0.1:{free_port}", "--threads", "4"]
    started = Processes({**os.environ, "DATABASE_URL": database_url()})
    web = started.start(sys.executable, *gunicorn)

    def answers() -> bool:
        assert web.process.poll() is None, web.output
        try:
            with urlopen(f"{address}/admin/login/") as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        until(answers, what="the web server")
        yield address
    finally:
        started.stop_all()


@pytest.fixture
def address(server: str, region: Region, queue: object) -> str:
    """Where the region is served."""
    return server


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
