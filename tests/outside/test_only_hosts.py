"""ONLY_HOSTS: a copy that was made of production's data, such as staging, calls none of production's vendors."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.core.mail import get_connection
from pytest_django import Settings

from backoffice.adapters.http import HttpClient, NotSent
from backoffice.adapters.mail import send_email
from backoffice.adapters.reach import may_reach
from backoffice.adapters.sending import Refused
from backoffice.adapters.sftp import Server
from backoffice.adapters.sftp_session import log_in
from backoffice.adapters.sftp_types import Unreachable
from backoffice.adapters.webhook import WebhookFailed, post_json
from tests.processes import ROOT
from tests.sftp.world import STRANGER


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A far end that would see whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as far_end:
        far_end.settimeout(0.2)
        yield far_end


def by_http(port: int) -> None:
    with closing(HttpClient(timeout=0.5, connections=1, headers={})) as client:
        client.post(f"http://127.0.0.1:{port}/", b"")


def by_webhook(port: int) -> None:
    post_json(f"http://127.0.0.1:{port}/", {}, timeout=0.5)


def by_sftp(port: int) -> None:
    known = f"[127.0.0.1]:{port} {STRANGER}"
    log_in(Server(host="127.0.0.1", port=port, user="u", password="p", known_hosts=known, timeout=0.5))


def by_mail(port: int) -> None:
    mail = get_connection("backoffice.adapters.mail.Smtp", host="127.0.0.1", port=port, timeout=0.5)
    sent = send_email("maria@example.org", "Monday", "9:00", sender="clinic@example.org", connection=mail)
    assert sent == Refused(code="connection", why="busy", permanent=False)
    raise ConnectionRefusedError


WAYS: dict[Callable[[int], None], type[Exception]] = {
    by_http: NotSent,
    by_webhook: WebhookFailed,
    by_sftp: Unreachable,
    by_mail: ConnectionRefusedError,
}


def reached(far_end: socket.socket) -> bool:
    try:
        far_end.accept()[0].close()
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("way", WAYS)
def test_a_host_that_it_does_not_name_gets_no_connection_and_is_as_one_that_cannot_be_reached(
    way: Callable[[int], None], listening: socket.socket, settings: Settings
) -> None:
    settings.ONLY_HOSTS = ["none"]
    with pytest.raises(WAYS[way]):
        way(listening.getsockname()[1])
    assert not reached(listening)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("only", [[], ["sandbox.example", " 127.0.0.1 "]])
def test_a_host_that_it_names_is_called_as_all_are_without_it(
    way: Callable[[int], None], only: list[str], listening: socket.socket, settings: Settings
) -> None:
    settings.ONLY_HOSTS = only
    with pytest.raises(Exception):  # noqa: B017 (the far end says nothing, each is told so in its own way)
        way(listening.getsockname()[1])
    assert reached(listening)


def test_a_name_is_the_same_in_capitals_and_an_address_in_brackets(settings: Settings) -> None:
    settings.ONLY_HOSTS = ["API.Twilio.com", "[::1]"]
    assert may_reach("api.twilio.com.")
    assert may_reach("::1")
    assert not may_reach("twilio.com")
    assert not may_reach("evil-api.twilio.com")


def test_the_mail_of_an_installation_keeps_to_it() -> None:
    code = "from django.conf import settings; print(settings.EMAIL_BACKEND, settings.ONLY_HOSTS)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "DJANGO_SETTINGS_MODULE": "backoffice.settings", "SECRET_KEY": "x", "FIELD_KEYS": "x",
            "EMAIL_URL": "smtp+tls://u:p@mail.example:587", "ONLY_HOSTS": "none",
        },
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "backoffice.adapters.mail.Smtp ['none']\n"


def test_whatever_opens_a_connection_to_the_outside_asks_first() -> None:
    opens = re.compile(r"create_connection\(|httpx2\.(?:post|get|request|Client)\(|smtplib\.SMTP\w*\(|urlopen\(")
    found = {path for path in product() if opens.search(path.read_text(encoding="utf-8"))}
    assert {path.name for path in found} == {"http.py", "webhook.py", "sftp_session.py"}
    assert all("may_reach(" in path.read_text(encoding="utf-8") for path in found)


def product() -> Iterator[Path]:
    """The modules that run in an installation: the sandbox is the other end, and the bench calls us."""
    for package in ("backoffice", "billing", "claims", "clinic", "regions"):
        yield from (path for path in (ROOT / package).rglob("*.py") if not {"sandbox", "bench"} & {*path.parts})
